"""Logs that go to a syslog server, or are compressed: beside nginx's."""

import contextlib
import gzip
import re
import socket

import pytest
from nginx_command import PATIENCE, Command, until
from test_master_pair import Nginx

LINE = re.compile(
    rb"<(\d+)>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?:(\S+) )?(\w+): (.*)", re.DOTALL
)


@contextlib.contextmanager
def syslog(address):
    """Serve an address, and give what takes the next line."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(PATIENCE)
        yield sock


def take(sock, wanted):
    """Return priority, host, tag and text of the next line that has *wanted*."""
    while True:
        line = sock.recv(65536)
        if wanted in line:
            priority, _, host, tag, text = LINE.fullmatch(line).groups()
            plain = re.sub(rb"^[\d/]+ [\d:]+ \[error\] \d+#\d+: ", b"TIME ", text)
            return priority, host, tag, plain.replace(b"127.0.0.1:", b"")


@pytest.fixture(params=[Command, Nginx], ids=["ours", "nginx"])
def command(request, tmp_path):
    with request.param(tmp_path) as command:
        yield command


def serve(command, main="", server="", http="", **more):
    command.configure(
        f"root {command.folder}/html; location /x {{ return 404; }} {server}",
        http,
        f"pid logs/nginx.pid; user root; {main}",
    )
    return command.start(**more)


HOST = socket.gethostname().encode()


def test_errors_over_udp(command):
    with syslog(("127.0.0.1", 0)) as sock:
        where = f"syslog:server=127.0.0.1:{sock.getsockname()[1]}"
        serve(command, server=f"error_log {where};")
        command.get("/none")
        priority, host, tag, text = take(sock, b"/none")
    assert (priority, host, tag) == (b"187", HOST, b"nginx")
    assert text.startswith(b'TIME *1 open() "')
    assert not text.endswith(b"\n")


def test_all_parameters(command):
    path = f"{command.folder}/log"
    with syslog(path) as sock:
        where = f"syslog:server=unix:{path},facility=local3,tag=t_1,nohostname"
        serve(command, server=f"error_log {where} info;")
        command.get("/none")
        priority, host, tag, _ = take(sock, b"/none")
    assert (priority, host, tag) == (b"155", None, b"t_1")


def test_access(command):
    path = f"{command.folder}/log"
    with syslog(path) as sock:
        where = f"syslog:server=unix:{path},severity=notice"
        serve(
            command,
            http="log_format short '$request_uri $status';",
            server=f"access_log {where} short; access_log logs/own.log short;",
        )
        command.get("/x")
        line = take(sock, b"/x")
    assert line == (b"189", HOST, b"nginx", b"/x 404")
    own = command.folder / "logs/own.log"
    until(lambda: own.exists() and own.read_text() == "/x 404\n")


def test_a_server_that_is_away(command):
    """What is lost is lost, and the next line finds the way."""
    path = f"{command.folder}/log"
    with syslog(path) as sock:
        serve(command, server=f"error_log syslog:server=unix:{path};")
        command.get("/one")
        assert take(sock, b"/one")
    (command.folder / "log").unlink()
    command.get("/two")
    with syslog(path) as sock:
        command.get("/three")
        command.get("/four")
        assert take(sock, b"/four")


@pytest.mark.parametrize("options", ["gzip flush=100ms", "gzip=9 buffer=4k flush=50ms"])
def test_compressed(command, options):
    serve(command, server=f"access_log logs/own.gz combined {options};")
    own = command.folder / "logs/own.gz"
    for path in ("/one", "/two"):
        command.get(path)
        until(lambda path=path: own.exists() and path.encode() in unpacked(own))
    assert own.read_bytes()[:3] == b"\x1f\x8b\x08"
    assert len(unpacked(own).splitlines()) == 2


def unpacked(path):
    data = path.read_bytes()
    return gzip.decompress(data) if data else b""


WRONG = {
    "error_log syslog:;": 'unknown syslog parameter ""',
    "error_log syslog:tag=a;": "no syslog server specified",
    "error_log syslog:server=a.invalid;": 'host not found in syslog server "a.invalid"',
    "error_log syslog:server=[::1]:514,facility=x;": 'unknown syslog facility "x"',
    "error_log syslog:server=unix:x,severity=x;": 'unknown syslog severity "x"',
    "error_log syslog:server=unix:x,tag=a.b;":
        'syslog "tag" only allows alphanumeric characters and underscore',
    f"error_log syslog:server=unix:x,tag={'a' * 33};": "syslog tag length exceeds 32",
    "error_log syslog:server=unix:x,tag=a,tag=b;": 'duplicate syslog "tag"',
    "error_log syslog:server=unix:x,server=unix:y;": 'duplicate syslog "server"',
    "error_log syslog:server=unix:x,facility=user,facility=user;":
        'duplicate syslog "facility"',
    "access_log syslog:server=unix:x combined buffer=4k;":
        "logs to syslog cannot be buffered",
    "access_log a combined gzip=0;": 'invalid compression level "0"',
    "access_log a combined gzip=10;": 'invalid compression level "10"',
    "access_log a$uri combined gzip;":
        "buffered logs cannot have variables in name",
}  # fmt: skip


@pytest.mark.parametrize("directive", WRONG)
def test_what_is_wrong(command, directive):
    command.conf.write_text(f"events {{}}\nhttp {{ {directive} }}")
    said = command.run("-t").stderr
    assert f"[emerg] {WRONG[directive]} in {command.conf}:2" in said
