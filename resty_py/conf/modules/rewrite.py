"""The rewrite module: the directives of a script, in the order they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Break, Condition, Return, Rewrite, Set
from ..table import SERVER_IF, Command, Inherit, Kind, Module
from ..template import Template, Variable
from ..values import parse_number
from .shorthand import HTTP, LOCATION, LOCATION_IF, REWRITE, SERVER, flag

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES", "read_variable"]

FOUND, MOVED = 302, 301

#: The largest code of ``return``.
MAX_STATUS = 999

_ABSOLUTE = ("http://", "https://", "$scheme")
_FLAGS = {
    "last": ("last", 0),
    "break": ("break", 0),
    "redirect": ("", FOUND),
    "permanent": ("", MOVED),
}
_FILE_TESTS = ("-f", "-d", "-e", "-x")


def read_variable(call: Call, text: str) -> str:
    """Return the name of the variable that a directive sets and define it.

    Raises:
        ConfError: *text* is no variable, or one that nginx owns.
    """
    if not text.startswith("$"):
        raise call.error(f'invalid variable name "{text}"')
    name = call.define(text[1:])
    return call.use(name)


def _read_set(call: Call) -> Set:
    variable = read_variable(call, call.args[0])
    return Set(variable, call.template(call.args[1]))


def _read_rewrite(call: Call) -> Rewrite:
    pattern, replacement = call.args[:2]
    if not replacement:
        raise call.error("empty replacement")
    regex = call.regex(pattern)
    flag_name, status = "", FOUND if replacement.startswith(_ABSOLUTE) else 0
    if len(call.args) == 3:
        if call.args[2] not in _FLAGS:
            raise call.error(f'invalid parameter "{call.args[2]}"')
        flag_name, code = _FLAGS[call.args[2]]
        status = code or status
    keep_args = not replacement.endswith("?")
    target = call.template(replacement if keep_args else replacement[:-1])
    return Rewrite(regex, target, flag_name, status, keep_args)


def _read_return(call: Call) -> Return:
    code = call.args[0]
    try:
        status = parse_number(code)
    except ValueError:
        if len(call.args) > 1 or not code.startswith(_ABSOLUTE):
            raise call.error(f'invalid return code "{code}"') from None
        return Return(FOUND, call.template(code))
    if status > MAX_STATUS:
        raise call.error(f'invalid return code "{code}"')
    return Return(status, call.template(call.args[1]) if len(call.args) > 1 else None)


def _read_condition(call: Call) -> Condition:
    """Read what stands in the brackets: ``ngx_http_rewrite_if_condition``."""
    words = _without_brackets(call)
    first = words[0]
    if len(first) > 1 and first.startswith("$"):
        if len(words) not in (1, 3):
            raise call.error(f'invalid condition "{first}"')
        return _comparison(call, words)
    if len(words) == 2 and first.removeprefix("!") in _FILE_TESTS:
        return Condition(first, call.template(words[1]))
    raise call.error(f'invalid condition "{first}"')


def _without_brackets(call: Call) -> list[str]:
    words = list(call.args)
    if not words[0].startswith("("):
        raise call.error(f'invalid condition "{words[0]}"')
    words[0] = words[0][1:]
    if not words[-1].endswith(")"):
        raise call.error(f'invalid condition "{words[-1]}"')
    words[-1] = words[-1][:-1]
    inner = words[not words[0] : len(words) - (not words[-1])]
    if not inner:
        raise call.error('invalid condition ")"')
    return inner


def _comparison(call: Call, words: list[str]) -> Condition:
    subject = _subject(call, words[0])
    if len(words) == 1:
        return Condition("", subject)
    operator, right = words[1:]
    if operator in ("=", "!="):
        return Condition(operator, subject, call.template(right))
    if operator in ("~", "~*", "!~", "!~*"):
        regex = call.regex(right, operator.endswith("*"))
        return Condition(operator, subject, regex=regex)
    raise call.error(f'unexpected "{operator}" in condition')


def _subject(call: Call, text: str) -> Template:
    """Return the variable on the left; the whole word is its name."""
    return Template((Variable(call.use(text[1:])),))


MODULES = (
    Module("ngx_http_rewrite_module", (
        Command(
            "rewrite", REWRITE, "2-3",
            Kind(
                "regex replacement [last | break | redirect | permanent]",
                _read_rewrite,
            ),
            slot="script", many=True, inherit=Inherit.NEVER,
        ),
        Command(
            "return", REWRITE, "1-2", Kind("code [text] | url", _read_return),
            slot="script", many=True, inherit=Inherit.NEVER,
        ),
        Command(
            "break", REWRITE, "0", Kind("", lambda _call: Break()), slot="script",
            many=True, inherit=Inherit.NEVER,
        ),
        *(
            Command(
                "if", context, "1+", Kind("(condition)", _read_condition),
                slot="script", many=True, inherit=Inherit.NEVER, inside=inside,
            )
            for context, inside in ((SERVER, SERVER_IF), (LOCATION, LOCATION_IF))
        ),
        Command(
            "set", REWRITE, "2", Kind("$variable value", _read_set), slot="script",
            many=True, inherit=Inherit.NEVER,
        ),
        flag("rewrite_log", HTTP | REWRITE, "off"),
        flag("uninitialized_variable_warn", HTTP | REWRITE, "on"),
    )),
)  # fmt: skip
