"""What stub_status tells of several workers, here and in the real nginx."""

import contextlib
import os
import re
import signal

import pytest
from nginx_command import Command, finish, send, until
from real_nginx import load_modules
from test_master_pair import Nginx

WORKERS = 3

CONF = """
location / { return 200 ok; }
location /status { stub_status; }
location /numbers { return 200 '$connections_active $connections_reading
    $connections_writing $connections_waiting'; }
location /slow { lua_check_client_abort on; content_by_lua_block {
    ngx.on_abort(function() ngx.exit(499) end) ngx.sleep(60)
} }
"""

SERVERS = [(Command, ("--lua", "luajit21")), (Command, ("--lua", "lua54")), (Nginx, ())]


@pytest.fixture(params=SERVERS, ids=["luajit21", "lua54", "nginx"])
def server(request, tmp_path):
    kind, options = request.param
    with kind(tmp_path) as server:
        modules = load_modules() if kind is Nginx else ""
        user = "user root;" if os.geteuid() == 0 else ""
        main = f"{modules} pid logs/nginx.pid; {user} worker_processes {WORKERS};"
        server.configure(CONF, main=main)
        server.process = server.start(*options, master=True)
        server.until_logged("start worker process ", WORKERS)
        yield server


def numbers(server):
    """Return clients, accepted, handled and requests, reading, writing, waiting."""
    return tuple(map(int, re.findall(r"\d+", server.get("/status"))))


def until_told(server, *want):
    """Wait until the page tells of clients: all, reading, writing, waiting."""

    def told():
        active, _, _, _, *states = numbers(server)
        return (active, *states) == want

    until(told, f"{numbers(server)} for {want}")


def test_clients_of_all_workers(server):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(server.connect()) for _ in range(3)]
        until_told(server, 4, 0, 1, 3)
        kept = [stack.enter_context(server.connect()) for _ in range(6)]
        for client in kept:
            assert send(client, "/").recv(65536).endswith(b"ok")
        until_told(server, 10, 0, 1, 9)
        busy = [stack.enter_context(server.connect()) for _ in range(4)]
        for client in busy:
            send(client, "/slow")
        until_told(server, 14, 0, 5, 9)
        until(lambda: server.get("/numbers").split() == ["14", "0", "5", "9"])
        send(idle.pop(), "/", "Connection: close\r\n")
        until_told(server, 13, 0, 5, 8)
    until_told(server, 1, 0, 1, 0)


def come(server, clients, requests):
    """Let clients come, and see that all of their requests are counted."""
    _, accepted, _, served, *_ = numbers(server)
    for _ in range(clients):
        with server.connect() as client:
            for _ in range(requests - 1):
                send(client, "/").recv(65536)
            assert finish(send(client, "/", "Connection: close\r\n")) == "ok"
    _, accepts, handles, total, *_ = numbers(server)
    assert accepts == handles == accepted + clients + 1
    assert total == served + clients * requests + 1


def test_totals_of_all_workers(server):
    come(server, clients=9, requests=3)


def test_totals_outlive_workers(server):
    come(server, clients=9, requests=3)
    os.kill(server.process.pid, signal.SIGHUP)
    server.until_logged("exited with code 0", WORKERS)
    _, accepted, _, requests, *_ = numbers(server)
    assert accepted > 9
    assert requests - accepted == 9 * 2
    come(server, clients=3, requests=1)
