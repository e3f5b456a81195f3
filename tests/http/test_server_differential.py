"""The server on the wire, nginx's and ours: the same bytes for the same bytes.

Every case of ``server_cases``, ``body_cases`` and ``socket_cases`` is asked once
of nginx, and of ours on every flavour. Its answer is compared byte by byte, but
for Date and Server; so are the lines about it in the error log and the access
log. Behind the request comes a probe, whose answer tells that the connection
was kept. Our product's name is made as long as nginx's.
"""

import difflib
import re
import subprocess

import body_cases
import pytest
import server_cases
import socket_cases
import trio
from lua_worker import messages
from real_nginx import RealNginx, require_nginx
from server_wire import PATIENCE, wire

from resty_py.vm import FLAVOURS

GROUPS = server_cases.GROUPS | body_cases.GROUPS | socket_cases.GROUPS

_STAMPS = re.compile(rb"(?<=\r\n)(?:Server|Date): [^\r]*\r\n")
_SIGNATURE = re.compile(rb"(?:nginx|resty-py)/[\d.]+(?=</center>)")

# What is never the same, or said otherwise by every Lua, in lines of logs.
_VARYING = re.compile(
    r"(?<=, server: )127\.0\.0\.\d:\d+"
    r"|(?<=temporary file )[^ ,]+"
    r"|(?<=closed socket: )u:.* eof:\d"
    r"|(?<=runtime error: )\S*/(?=\w+\.lua:)"
    r"|(?<=attempt to index )[^,]*"
    r"|\[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\]"
)

# Asked behind each case: nginx answers when it is done with the client before.
_SYNC = b"GET /sync HTTP/1.0\r\n\r\n"


@pytest.fixture(scope="module")
def signature():
    """What nginx signs its pages with."""
    version = subprocess.run([require_nginx(), "-v"], capture_output=True, text=True)
    return version.stderr.split()[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the Lua files are, by group: both shall name them alike."""
    folder = tmp_path_factory.mktemp("cases")
    for group, (_, cases) in GROUPS.items():
        (folder / group).mkdir()
        (folder / group / "sync.lua").write_text("ngx.exit(204)")
        for case in cases:
            (folder / group / f"{case.name}.lua").write_text(case.lua)
    return folder


@pytest.fixture(scope="module")
def nginx(folder):
    """Return a function: what nginx says to the cases of a group, asked once."""
    known = {}

    async def ask(group):
        if group not in known:
            known[group] = await _ask_nginx(folder / group, *GROUPS[group])
        return known[group]

    return ask


class _Log:
    """A log file that tells what is new in it."""

    def __init__(self, path):
        self._path = path
        self._seen = 0

    def news(self):
        text = self._path.read_text(errors="replace")[self._seen :]
        self._seen += len(text)
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if "GET /sync" not in line)


async def _ask_nginx(folder, settings, cases):
    text = "".join(f"{name} {value};\n" for name, value in settings.items())
    access_log = folder / "nginx-access.log"
    transcripts = {}
    with RealNginx(folder, text, str(access_log)) as nginx:
        address = "127.0.0.1", nginx.port
        logs = _Log(nginx.log), _Log(access_log)
        for log in logs:
            log.news()
        for case in cases:
            answer = await _exchange(*address, *case.pieces, ends=case.ends)
            await _exchange(*address, _SYNC)
            transcripts[case.name] = _transcript(answer, *(log.news() for log in logs))
    return transcripts


async def _ask_ours(folder, settings, cases, home, flavour):
    transcripts = {}
    async with wire("", home, flavour, **settings) as server:
        logs = _Log(home / "error.log"), _Log(home / "access.log")
        for case in cases:
            address = server.serve(folder / f"{case.name}.lua").sockaddr
            answer = await _exchange(*address, *case.pieces, ends=case.ends)
            await trio.testing.wait_all_tasks_blocked()
            server.worker.logs.drain()
            transcripts[case.name] = _transcript(answer, *(log.news() for log in logs))
    return transcripts


async def _exchange(host, port, *pieces, ends=False):
    answer = b""
    with trio.move_on_after(PATIENCE) as patience:
        async with await trio.open_tcp_stream(host, port) as stream:
            try:
                for piece in pieces:
                    await stream.send_all(piece)
                    if b"Expect: 100-continue" in piece and piece is not pieces[-1]:
                        answer += await stream.receive_some()
                if ends:
                    await stream.send_eof()
                async for chunk in stream:
                    answer += chunk
            except trio.BrokenResourceError:
                answer += b"\r\nreset"
    return answer + b"\r\nkept open" * patience.cancelled_caught


def _transcript(answer, error_log, access_log):
    text = _SIGNATURE.sub(b"SIGNATURE", _STAMPS.sub(b"", answer)).decode("latin-1")
    errors = [line.partition("\n")[0] for line in messages(error_log)]
    lines = [*errors, *access_log.splitlines()]
    return [*text.split("\r\n"), *(_VARYING.sub("…", line) for line in lines)]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("group", GROUPS)
async def test_ours_answers_as_nginx(
    group, flavour, nginx, folder, tmp_path, signature, monkeypatch
):
    padding = "9" * (len(signature) - len("resty-py/"))
    monkeypatch.setattr("resty_py.server.serving.__version__", padding)
    settings, cases = GROUPS[group]
    theirs = await nginx(group)
    ours = await _ask_ours(folder / group, settings, cases, tmp_path, flavour)
    wrong = [
        _verdict(case, theirs[case.name], ours[case.name])
        for case in cases
        if bool(case.differs) is (theirs[case.name] == ours[case.name])
    ]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def _verdict(case, theirs, ours):
    if theirs == ours:
        return f"{case.name} does not differ: {case.differs}"
    return "\n".join(difflib.unified_diff(theirs, ours, case.name, n=99, lineterm=""))
