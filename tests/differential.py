"""The same Lua on the real OpenResty and on ours.

A case is a Lua file that tells what happens by ``show(…)``, ``try(f, …)``,
``attempt("expression", …)`` and the error log. A :class:`Comparison` runs all its
cases at once, on nginx and on each variant of ours, and keeps the transcripts:
equal transcripts mean equal values, errors, positions and log lines.

Cases find their peers (``tests/peers.py``) in the table ``PORT``; ``settle()``
returns when the peers have done what they were told.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from lua_worker import Answer, messages, open_client, open_rig
from peers import open_peers
from real_nginx import RealNginx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from lua_worker import Variant

#: Comes before every case, on line 1.
PRELUDE = r"""
local function dump(value)
    if type(value) == "string" then
        return '"' .. value:gsub("[^ -~]", function(byte)
            return string.format("\\%03d", byte:byte())
        end) .. '"'
    elseif type(value) == "number" then
        return string.format("%.14g", value)
    elseif type(value) == "boolean" or value == nil then
        return tostring(value)
    end
    return type(value)
end

local function show(...)
    local pieces = {}
    for i = 1, select("#", ...) do
        pieces[i] = dump((select(i, ...)))
    end
    ngx.say(table.concat(pieces, " "))
end

local function try(f, ...) show(pcall(f, ...)) end

local function attempt(code, ...)
    code = "local a, b, c = " .. code .. " return a, b, c"
    show(pcall(assert(loadstring(code, "=attempt")), ...))
end

local function open(port)
    local sock = ngx.socket.tcp()
    assert(sock:connect("127.0.0.1", port or PORT.puppet))
    return sock
end

local function settle()
    local sock = open()
    for _ = 1, 3 do
        sock:send("say .\n")
        sock:receive(1)
    end
    sock:close()
end
""".replace("\n", " ")

_SUFFIX = re.compile(r", client: .*", re.DOTALL)
_REQUEST = re.compile(r'request: "GET /(\w+) HTTP')
_POINTER = re.compile(r"\b([uc]):[0-9a-fA-F]+")
_PRODUCT = re.compile(r"<center>(nginx|resty-py)/[\d.]+</center>")


def load_cases(folder: Path) -> dict[str, str]:
    """Return the cases of the Lua files in *folder*: each follows ``-- case: NAME``."""
    cases = {}
    for path in sorted(folder.glob("*.lua")):
        _, *parts = re.split(r"^-- case: (\w+)\n", path.read_text(), flags=re.MULTILINE)
        cases |= dict(zip(parts[::2], parts[1::2], strict=True))
    return cases


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Yield a folder whose files have paths that Lua's messages do not cut."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Transcript:
    """What a case did: status (0: no answer), body, lines of the error log.

    ``whole`` is false where the server cut the body short.
    """

    status: int
    whole: bool
    body: tuple[str, ...]
    log: tuple[str, ...]


class Comparison:
    """Cases, run once on the real OpenResty and once on each variant.

    Args:
        cases: Lua by name; a name is of lower-case letters, digits and "_".
        folder: for the Lua files and logs; a :func:`short_folder`.
        settings: limits of ours, as ``NAME=VALUE``.
        directives: the same for nginx.
        options: further ones of ours, as ``open_worker`` takes them.
        peers: runs what the cases talk to; yields the table ``PORT``.
    """

    def __init__(
        self,
        cases: Mapping[str, str],
        folder: Path,
        settings: tuple[str, ...] = (),
        directives: str = "",
        options: Mapping[str, object] | None = None,
        peers: Callable[[], AbstractAsyncContextManager[Mapping]] = open_peers,
    ) -> None:
        self._cases = cases
        self._folder = folder
        self._settings = settings
        self._directives = directives
        self._options = options or {}
        self._peers = peers
        self._kept: dict[object, dict[str, Transcript]] = {}

    async def expected(self, name: str) -> Transcript:
        """Return what the case *name* does on the real OpenResty."""
        if None not in self._kept:
            self._kept[None] = await self._run_on_nginx()
        return self._kept[None][name]

    async def actual(self, name: str, variant: Variant) -> Transcript:
        """Return what the case *name* does on *variant*."""
        if variant not in self._kept:
            self._kept[variant] = await self._run_on_ours(variant)
        return self._kept[variant][name]

    async def _run_on_nginx(self) -> dict[str, Transcript]:
        async with self._peers() as places:
            self._write(places)
            with RealNginx(self._folder, self._directives) as nginx:
                answers = await _ask(dict.fromkeys(self._cases, nginx.port))
                return self._transcripts(answers, nginx.log, places)

    async def _run_on_ours(self, variant: Variant) -> dict[str, Transcript]:
        async with self._peers() as places:
            self._write(places)
            async with open_rig(
                variant, self._folder, *self._settings, **self._options
            ) as rig:
                ports = {
                    name: rig.serve(self._folder / f"{name}.lua")
                    for name in self._cases
                }
                answers = await _ask(ports)
                return self._transcripts(answers, rig.log_file, places)

    def _write(self, places: Mapping[str, int | str]) -> None:
        table = ", ".join(f"{name} = {json.dumps(at)}" for name, at in places.items())
        for name, lua in self._cases.items():
            path = self._folder / f"{name}.lua"
            path.write_text(f"local PORT = {{{table}}} {PRELUDE}\n{lua}")

    def _transcripts(self, answers, log, places):
        names = {str(at): f"<{name}>" for name, at in places.items()}
        names[str(self._folder)] = "<folder>"
        known = "|".join(map(re.escape, sorted(names, reverse=True)))
        known = re.compile(rf"(?<!\d)(?:{known})(?!\d)")
        lines = _lines_by_case(messages(log.read_text()), self._cases)

        def neutral(text):
            text = known.sub(lambda match: names[match[0]], text)
            return _PRODUCT.sub("<center>SERVER</center>", text)

        return {
            name: Transcript(
                answer.status,
                answer.whole,
                tuple(neutral(answer.body).split("\n")),
                tuple(map(neutral, lines[name])),
            )
            for name, answer in answers.items()
        }


async def _ask(ports: Mapping[str, int]) -> dict[str, Answer]:
    answers = {}

    async def ask(name, port):
        async with await open_client(port) as client:
            try:
                answers[name] = await client.get(f"/{name}", "Connection: close")
            except (EOFError, trio.BrokenResourceError):
                answers[name] = Answer(0, {}, "", False)

    async with trio.open_nursery() as nursery:
        for name, port in ports.items():
            nursery.start_soon(ask, name, port)
    return answers


def _lines_by_case(log: list[str], names) -> dict[str, list[str]]:
    """Return the severe lines of each case, without what differs anyway."""
    lines = {name: [] for name in names}
    for line in log:
        match = _REQUEST.search(line)
        if match and line.startswith(("error", "crit", "alert")):
            first = _SUFFIX.sub("", line).partition("\n")[0]
            lines[match[1]].append(_POINTER.sub(r"\1:P", first))
    return lines
