"""The request-facing API on the real nginx and on ours: the same answers.

Every case of ``request_cases`` is asked once of both; status line, headers in
their order, body and error log must be equal. Not compared are Date, Server
and what the products call themselves.
"""

import re
import tempfile
from pathlib import Path

import pytest
from app_server import exchange, split
from lua_worker import messages
from real_nginx import RealNginx
from request_cases import CASES

import resty_py
from resty_py.server.listeners import open_listener, parse_listen
from resty_py.vm import FLAVOURS

#: Cases that a flavour cannot answer as LuaJIT does.
NOT_ALIKE = {
    # Lua 5.1 does not tell by which name a metamethod was called.
    "lua51": ["log_metamethod"],
}

_REQUEST = re.compile(r'request: "\w+ (?:http://[^/]+)?/(\w+)')
# In tracebacks newer Lua says what kind of function it is.
_KIND = re.compile(r"in (?:global|local|upvalue|field|method) '")
_PRODUCT = re.compile(rb"(?:nginx|resty-py)/[\d.]+")


def _write(folder):
    for case in CASES:
        (folder / f"{case.name}.lua").write_text(case.lua)


async def _ask(ports):
    return {case.name: await exchange(ports[case.name], case.request) for case in CASES}


async def _nginx(folder):
    with RealNginx(folder, "lingering_timeout 10ms;") as nginx:
        answers = await _ask({case.name: nginx.port for case in CASES})
        return answers, nginx.log.read_text(errors="replace")


async def _ours(folder, flavour):
    log = folder / "ours.log"
    async with resty_py.open_worker(
        flavour=flavour, error_log=log, error_level="info"
    ) as worker:
        ports = {}
        for case in CASES:
            with open_listener(parse_listen("127.0.0.1:0")) as listener:
                worker.serve(folder / f"{case.name}.lua", listener)
                ports[case.name] = listener.address.port
        return await _ask(ports), log.read_text(errors="replace")


def _lines(log, name):
    """Yield the lines of level error and worse, with their tracebacks."""
    for line in messages(log):
        match = _REQUEST.search(line)
        if match and match[1] == name and line.startswith(("error", "alert", "crit")):
            yield _KIND.sub("in function '", line.partition(", client: ")[0])


def _transcript(answer, log, name):
    head, body = split(answer)
    shown = [
        _without_product(line, head)
        for line in head
        if not line.startswith(("Date: ", "Server: "))
    ]
    text = _PRODUCT.sub(b"PRODUCT", body).decode("latin-1")
    return {"head": shown, "body": text.split("\n"), "log": list(_lines(log, name))}


def _without_product(line, head):
    """Return *line*; the length of an error page without the product's name."""
    if not line.startswith("Content-Length: ") or "Content-Type: text/html" not in head:
        return line
    product = next(line for line in head if line.startswith("Server: "))
    return f"Content-Length: {int(line[16:]) - len(product[8:])}"


@pytest.fixture
def folder():
    """A folder of few letters: Lua cuts long names of chunks, each one its way."""
    with tempfile.TemporaryDirectory(prefix="rp-") as name:
        yield Path(name)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_every_case_is_answered_as_nginx_answers_it(folder, flavour):
    _write(folder)
    theirs, their_log = await _nginx(folder)
    ours, our_log = await _ours(folder, flavour)
    different = {}
    for case in CASES:
        expected = _transcript(theirs[case.name], their_log, case.name)
        actual = _transcript(ours[case.name], our_log, case.name)
        if actual != expected:
            different[case.name] = {"nginx": expected, "ours": actual}
    assert sorted(different) == sorted(NOT_ALIKE.get(flavour, ())), different
