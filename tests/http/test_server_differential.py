"""The server on the wire, nginx's and ours: the same bytes for the same bytes.

Every case of ``server_cases`` is asked once of both. Its answer is compared byte
by byte, but for Date, Server and what the products call themselves; behind the
request comes a probe, whose answer tells that the connection was kept. So are
the lines of the error log about it.
"""

import difflib
import re

import pytest
import trio
from lua_worker import messages
from real_nginx import RealNginx
from server_cases import CASES, GROUPS
from server_wire import PATIENCE, wire

_SERVER = re.compile(rb"\r\n(?:Server|Date): [^\r]*(?=\r\n)")
_PRODUCT = re.compile(rb"(?:nginx|resty-py)/[\d.]+(?=</center>)")
_PAGE_LENGTH = re.compile(
    rb"Content-Length: (\d+)(?=\r\n(?:[^\r]+\r\n)*\r\n<html>.*?<center>([a-z-]+/[\d.]+)<)",
    re.DOTALL,
)
_SERVER_NAME = re.compile(r", server: [^,]*")


def _without_product(match):
    return b"Content-Length: %d" % (int(match[1]) - len(match[2]))


def _normal(answer):
    answer = _PAGE_LENGTH.sub(_without_product, answer)
    text = _PRODUCT.sub(b"PRODUCT", _SERVER.sub(b"", answer)).decode("latin-1")
    return text.split("\r\n")


async def _exchange(port, case):
    answer = b""
    with trio.fail_after(PATIENCE):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            try:
                for piece in case.pieces:
                    await stream.send_all(piece)
                if case.ends:
                    await stream.send_eof()
            except trio.BrokenResourceError:
                pass
            try:
                async for chunk in stream:
                    answer += chunk
            except trio.BrokenResourceError:
                answer += b"RESET"
    return answer


def _lines(log):
    return [_SERVER_NAME.sub("", line.partition("\n")[0]) for line in messages(log)]


async def _nginx(folder, settings, cases):
    text = "".join(f"{name} {value};\n" for name, value in settings.items())
    transcripts = {}
    with RealNginx(folder, text) as nginx:
        for case in cases:
            since = len(nginx.log.read_text(errors="replace"))
            answer = await _exchange(nginx.port, case)
            log = nginx.log.read_text(errors="replace")
            transcripts[case.name] = [*_normal(answer), *_lines(log[since:])]
    return transcripts


async def _ours(folder, settings, cases):
    transcripts = {}
    for case in cases:
        home = folder / case.name
        home.mkdir()
        async with wire(case.lua, home, **settings) as server:
            answer = await _exchange(server.address.port, case)
            log = (home / "error.log").read_text(errors="replace")
            transcripts[case.name] = [*_normal(answer), *_lines(log)]
    return transcripts


@pytest.mark.parametrize("group", GROUPS)
async def test_ours_answers_as_nginx(group, tmp_path):
    settings, cases = GROUPS[group]
    for case in cases:
        (tmp_path / f"{case.name}.lua").write_text(case.lua)
    theirs = await _nginx(tmp_path, settings, cases)
    ours = await _ours(tmp_path, settings, cases)
    different = [_difference(name, theirs[name], ours[name]) for name in theirs]
    if any(different):
        pytest.fail("\n".join(filter(None, different)), pytrace=False)


def _difference(name, theirs, ours):
    """Return how *ours* differs, as a diff; "" where it does not."""
    diff = difflib.unified_diff(theirs, ours, name, n=99, lineterm="")
    return "\n".join(diff)
