"""The same Lua on the real OpenResty and on ours.

A case is a Lua file that tells what happens by ``show(…)``, ``try(f, …)`` and the
error log. :func:`on_nginx` and :func:`on_ours` run cases, all of them at once,
and return their transcripts by name: equal transcripts mean equal values,
errors, positions and log lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio
from lua_worker import Answer, messages, open_client, open_rig
from real_nginx import RealNginx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
""".replace("\n", " ")

_SUFFIX = re.compile(r", client: .*", re.DOTALL)
_REQUEST = re.compile(r'request: "GET /(\w+) HTTP')
_POINTER = re.compile(r"\b([uc]):[0-9a-fA-F]+")


@dataclass(frozen=True)
class Transcript:
    """What a case did: status (0: no answer), body, lines of the error log.

    ``whole`` is false where the server cut the body short.
    """

    status: int
    whole: bool
    body: tuple[str, ...]
    log: tuple[str, ...]


def write_cases(cases: Mapping[str, str], folder: Path) -> None:
    """Write each case into its Lua file in *folder*."""
    for name, lua in cases.items():
        (folder / f"{name}.lua").write_text(PRELUDE + lua)


async def on_nginx(cases: Mapping[str, str], folder: Path, settings: str = ""):
    """Run *cases*, which are in *folder*, on the real OpenResty."""
    with RealNginx(folder, settings) as nginx:
        answers = await _ask({name: nginx.port for name in cases})
        return _transcripts(answers, messages(nginx.log.read_text()))


async def on_ours(
    cases: Mapping[str, str], folder: Path, variant: Variant, *settings: str, **options
):
    """Run *cases*, which are in *folder*, on a worker of *variant*."""
    async with open_rig(variant, folder, *settings, **options) as rig:
        ports = {name: rig.serve(folder / f"{name}.lua") for name in cases}
        answers = await _ask(ports)
        return _transcripts(answers, rig.log)


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


def _transcripts(answers, log):
    lines = {name: [] for name in answers}
    for line in log:
        match = _REQUEST.search(line)
        if match and line.startswith(("error", "crit", "alert")):
            lines[match[1]].append(_normal(line))
    return {
        name: Transcript(
            answer.status,
            answer.whole,
            tuple(answer.body.split("\n")),
            tuple(lines[name]),
        )
        for name, answer in sorted(answers.items())
    }


def _normal(line: str) -> str:
    return _POINTER.sub(r"\1:P", _SUFFIX.sub("", line).partition("\n")[0])
