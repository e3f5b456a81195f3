"""Why a block does not pass: a closed list, and how a result is sorted into it.

Three kinds of reasons:

- *outside*: the real nginx does not pass the block either, or cannot run it. It
  is in no score.
- *later*: the block needs a capability that resty-py does not have yet.
- *here*: anything else. What no rule recognises differs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from resty_py.testing.runner import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resty_py.testing.checks import Check
    from resty_py.testing.runner import Result

__all__ = ["REASONS", "Kind", "Reason", "classify"]


class Kind(Enum):
    """What a reason means for the scores."""

    OUTSIDE = "outside the scores"
    LATER = "needs a later capability"
    HERE = "differs here"


@dataclass(frozen=True)
class Reason:
    """A reason.

    Attributes:
        text: as the ledger has it.
        kind: what it means.
        is_by_hand: whether no rule finds it: once written, it stays until the
            block passes.
    """

    text: str
    kind: Kind
    is_by_hand: bool = False


_BY_HAND = (
    "needs several processes",
    "the Lua language differs",
    "depends on the load of the machine",
    "differs on purpose",
)


def _reasons() -> Iterator[Reason]:
    for kind, texts in {
        Kind.OUTSIDE: (
            "real nginx fails it",
            "real nginx skips it",
            "the suite leaves it out",
            "needs a module that OpenResty does not require",
            "needs mockeagain",
            "needs systemtap",
        ),
        Kind.LATER: (
            "needs proxy_pass, upstream or balancer",
            "needs server-side TLS",
            "needs TLS cosockets",
            "needs several processes",
            "needs pipes",
            "needs worker threads",
            "needs an nginx module that is not there yet",
        ),
        Kind.HERE: (
            "nginx debug-log wording",
            "JIT trace wording",
            "Perl unavailable",
            "needs FFI",
            "needs C functions of nginx",
            "the Lua language differs",
            "depends on the load of the machine",
            "differs on purpose",
            "differs",
        ),
    }.items():
        for text in texts:
            yield Reason(text, kind, text in _BY_HAND)


#: All reasons by their texts.
REASONS = {reason.text: reason for reason in _reasons()}

_PROXY = "needs proxy_pass, upstream or balancer"
_TLS = "needs server-side TLS"
_CLIENT_TLS = "needs TLS cosockets"
_PROCESSES = "needs several processes"
_PIPES = "needs pipes"
_THREADS = "needs worker threads"
_MODULE = "needs an nginx module that is not there yet"
_DEBUG = "nginx debug-log wording"
_TRACE = "JIT trace wording"
_PERL = "Perl unavailable"
_FFI = "needs FFI"
_SYMBOLS = "needs C functions of nginx"

#: What says that something is missing -> the reason; the first one counts.
_MISSING = [
    (r'"(?:proxy_(?!ssl)\w+|upstream|balancer_\w+|memc_pass)" directive', _PROXY),
    (r'"listen [^"]* ssl[^"]*" is not|"(?:proxy_)?ssl_\w+" directive', _TLS),
    (r"ngx\.run_worker_thread is not", _THREADS),
    (r"tcpsock:\w+ is not supported", _CLIENT_TLS),
    (r"module 'ngx\.pipe' not found", _PIPES),
    (r"module 'ngx\.(?:ssl|ocsp)\S*' not found", _TLS),
    (r"module 'ngx\.balancer' not found", _PROXY),
    (r"privileged.agent is not supported", _PROCESSES),
    (r"module '(?:ffi|jit\S*)' not found|needs the FFI of LuaJIT", _FFI),
    (r"nothing in place of nginx's symbol|undefined symbol: ngx_", _SYMBOLS),
    (r"\[emerg\] .* is not supported yet", _MODULE),
    (r'\[emerg\] .* unknown (?:directive|"\w+" variable)', _MODULE),
]
_PATTERNS = [(re.compile(pattern), reason) for pattern, reason in _MISSING]

#: Checks that the error log has something, by their names.
_PRESENT = re.compile(r'pattern "(.*)" should match a line', re.DOTALL)
_GREP = "grep_error_log_out"

#: What nginx and its Lua module say at level debug only.
_DEBUG_WORDS = re.compile(
    r"(?:\(\?\^\w*:)?(?:\\b)?(?:pcre JIT|decrementing the ref|queue connect op"
    r"|resolve name done|waiting body filter|malloc_trim|http |"
    r"lua (?!entry|handler|.*timed out|ssl certificate))"
)
_TRACES = re.compile(r"\[TRACE|-- NYI")


def classify(result: Result) -> str:
    """Return the reason for which a block did not pass, as far as it shows."""
    if result.outcome is Outcome.SKIPPED:
        return _PERL if "perl" in result.reason.lower() else "real nginx skips it"
    evidence = "\n".join([result.said, *result.log, *_bodies(result)])
    for pattern, reason in _PATTERNS:
        if pattern.search(evidence):
            return reason
    if any(map(_lacks_cdata, result.failures)):
        return _FFI
    missing = [_missing_words(result, check.name) for check in result.failures]
    for words, reason in ((_TRACES, _TRACE), (_DEBUG_WORDS, _DEBUG)):
        if missing and all(words.match(text) for text in missing):
            return reason
    return "differs"


def _lacks_cdata(check: Check) -> bool:
    """Tell whether a check expects FFI's type of a value."""
    return "cdata" in (check.expected or "") and "cdata" not in (check.got or "")


def _missing_words(result: Result, check: str) -> str:
    """Return what a check looked for in the error log, or an empty text."""
    if check.startswith(_GREP):
        return str(result.block.value("grep_error_log"))
    match = _PRESENT.match(check)
    return match[1] if match else ""


def _bodies(result: Result) -> Iterator[str]:
    for check in result.failures:
        yield check.name
        yield check.got or ""
