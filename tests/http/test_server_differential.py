"""The server on the wire, nginx's and ours: the same bytes for the same bytes.

Every case of ``server_cases`` is asked once of both. Its answer is compared byte
by byte, but for Date and Server; so are the lines about it in the error log and
the access log. Behind the request comes a probe, whose answer tells that the
connection was kept. Our product's name is made as long as nginx's.
"""

import difflib
import re
import subprocess

import pytest
import trio
from lua_worker import messages
from real_nginx import RealNginx, require_nginx
from server_cases import GROUPS
from server_wire import PATIENCE, wire

_STAMPS = re.compile(rb"(?<=\r\n)(?:Server|Date): [^\r]*\r\n")
_SIGNATURE = re.compile(rb"(?:nginx|resty-py)/[\d.]+(?=</center>)")
_SERVER_NAME = re.compile(r"(?<=, server: )127\.0\.0\.1:\d+")
_TIME = re.compile(r"\[[^]]*\]")

# Asked behind each case: nginx answers when it is done with the client before.
_SYNC = b"GET /sync HTTP/1.0\r\n\r\n"


@pytest.fixture(autouse=True)
def same_length(monkeypatch):
    """Give our signature, "resty-py/…", the length of nginx's."""
    version = subprocess.run([require_nginx(), "-v"], capture_output=True, text=True)
    signature = version.stderr.split()[2]
    padding = "9" * (len(signature) - len("resty-py/"))
    monkeypatch.setattr("resty_py.server.worker.__version__", padding)


async def _exchange(port, *pieces, ends=False):
    answer = b""
    with trio.fail_after(PATIENCE):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            try:
                for piece in pieces:
                    await stream.send_all(piece)
                if ends:
                    await stream.send_eof()
                async for chunk in stream:
                    answer += chunk
            except trio.BrokenResourceError:
                answer += b"\r\nreset"
    return answer


def _transcript(answer, error_log, access_log):
    text = _SIGNATURE.sub(b"SIGNATURE", _STAMPS.sub(b"", answer)).decode("latin-1")
    lines = [line.partition("\n")[0] for line in messages(error_log)]
    return [
        *text.split("\r\n"),
        *(_SERVER_NAME.sub("ADDRESS", line) for line in lines),
        *_TIME.sub("[]", access_log).splitlines(),
    ]


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


async def _nginx(folder, settings, cases):
    text = "".join(f"{name} {value};\n" for name, value in settings.items())
    access_log = folder / "nginx-access.log"
    transcripts = {}
    with RealNginx(folder, text, str(access_log)) as nginx:
        logs = _Log(nginx.log), _Log(access_log)
        logs[0].news()
        for case in cases:
            answer = await _exchange(nginx.port, *case.pieces, ends=case.ends)
            await _exchange(nginx.port, _SYNC)
            transcripts[case.name] = _transcript(answer, *(log.news() for log in logs))
    return transcripts


async def _ours(folder, settings, cases):
    transcripts = {}
    for case in cases:
        home = folder / case.name
        home.mkdir()
        async with wire(folder / f"{case.name}.lua", home, **settings) as server:
            port = server.address.port
            answer = await _exchange(port, *case.pieces, ends=case.ends)
            await trio.testing.wait_all_tasks_blocked()
            errors = (home / "error.log").read_text(errors="replace")
        accesses = (home / "access.log").read_text(errors="replace")
        transcripts[case.name] = _transcript(answer, errors, accesses)
    return transcripts


@pytest.mark.parametrize("group", GROUPS)
async def test_ours_answers_as_nginx(group, tmp_path):
    settings, cases = GROUPS[group]
    (tmp_path / "sync.lua").write_text("ngx.exit(204)")
    for case in cases:
        (tmp_path / f"{case.name}.lua").write_text(case.lua)
    theirs = await _nginx(tmp_path, settings, cases)
    ours = await _ours(tmp_path, settings, cases)
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
