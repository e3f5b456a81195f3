"""Clients that go wrong in a handshake: nothing hangs, nothing is left over."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import time

from authority import HOST
from nginx_pair import free_ports, our_command
from real_nginx import running
from tls_pair import PATIENCE, Probe, ask, read

_HOSTILE = """
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    error_log logs/error.log emerg;
    client_header_timeout 200ms;
    ssl_certificate {server};
    ssl_certificate_key {server};
    server {{
        listen 127.0.0.1:PORT1 ssl;
        ssl_certificate_by_lua_block {{ ngx.sleep(0) }}
        location / {{ return 200 "fine"; }}
    }}
}}
"""


def _hello(authority) -> bytes:
    """Return what a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.client_context().wrap_bio(incoming, outgoing, False, HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_hostile_clients_leave_nothing(authority, tmp_path):
    for name in ("conf", "logs"):
        (tmp_path / name).mkdir()
    hello = _hello(authority)
    flipped = bytes(b ^ 0x55 if 40 < i < 60 else b for i, b in enumerate(hello))
    attacks = (
        *(hello[:size] for size in (1, 5, 6, 40, len(hello) - 1, len(hello))),
        hello + b"\x16\x03\x03\x00\x04junk",
        hello + b"\x15\x03\x03\x00\x02\x02\x28",
        flipped,
        b"\x16\x03\x01\xff\xff" + bytes(100),
        b"\x80\x2e\x01\x03\x01" + bytes(60),
        b"GET",
    )
    with free_ports((b"PORT1",)) as ports:
        port = ports[b"PORT1"]
        text = _HOSTILE.format(server=authority.server).replace("PORT1", str(port))
        (tmp_path / "conf/nginx.conf").write_text(text)
        with running(our_command(tmp_path), tmp_path) as process:
            _attack(port, attacks, 10)
            before, size = _resources(process.pid)
            _attack(port, attacks, 20)
            answers = ask(Probe(1), port, authority)
            after, grown = _resources(process.pid)
        assert answers[0].endswith("fine")
        assert after <= before
        # KiB: one connection that is not freed has about 50.
        assert grown - size < 4096


def _attack(port: int, attacks: tuple[bytes, ...], rounds: int) -> None:
    for number in range(rounds):
        for data in attacks:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
                sock.sendall(data)
                if number % 2:
                    sock.shutdown(socket.SHUT_WR)
                    read(sock)


def _resources(pid: int) -> tuple[int, int]:
    """Return descriptors and KiB of memory of a process when it is at rest."""
    for _ in range(100):
        count = len(os.listdir(f"/proc/{pid}/fd"))
        time.sleep(0.01)
        if len(os.listdir(f"/proc/{pid}/fd")) == count:
            break
    with open(f"/proc/{pid}/status") as file:
        size = re.search(r"VmRSS:\s+(\d+)", file.read())
    return count, int(size[1])


_SHARED = """
worker_processes 2;
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    error_log logs/error.log emerg;
    ssl_certificate {server};
    ssl_certificate_key {server};
    server {{
        listen 127.0.0.1:PORT1 ssl;
        location / {{ return 200 "$pid $ssl_session_reused"; }}
    }}
}}
"""


def test_workers_know_the_tickets_of_each_other(authority, tmp_path):
    for name in ("conf", "logs"):
        (tmp_path / name).mkdir()
    with free_ports((b"PORT1",)) as ports:
        port = ports[b"PORT1"]
        text = _SHARED.format(server=authority.server).replace("PORT1", str(port))
        (tmp_path / "conf/nginx.conf").write_text(text)
        command = [*our_command(tmp_path)[:-1], "daemon off;"]
        with running(command, tmp_path):
            served = set()
            for _ in range(50):
                probe = Probe(1, version=ssl.TLSVersion.TLSv1_2, times=4)
                answers = [
                    one.rsplit("\r\n")[-1] for one in ask(probe, port, authority)
                ]
                assert [one[-1] for one in answers] == [".", "r", "r", "r"]
                served |= {one.split()[0] for one in answers}
                if len(served) == 2:
                    break
    assert len(served) == 2
