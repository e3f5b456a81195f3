"""Limits that the workers of a server have in common."""

from __future__ import annotations

import contextlib
import os
import re
import signal

import pytest
from nginx_command import Command, send, until

FLAVOURS = ("luajit21", "lua54")

PID = "location @pid { content_by_lua_block { ngx.say(ngx.worker.pid()) } }"

REQUESTS = "limit_req_zone $uri zone=slow:64k rate=1r/m;"

LIMITED = f"""
{PID}
error_page 503 @pid;
location / {{
    limit_req zone=slow burst=19 nodelay;
    content_by_lua_block {{ ngx.say(ngx.worker.pid()) }}
}}
"""


@pytest.fixture
def server(tmp_path):
    with Command(tmp_path) as server:
        yield server


def ask(client, path="/"):
    """Return the status of a request, and the worker that served it."""
    answer = send(client, path).recv(65536)
    pid = re.search(rb"\r\n\r\n\w+\r\n(\d+)\n", answer)
    return int(answer.split()[1]), pid and int(pid[1])


def ask_once(server, path="/"):
    """Return the same of a connection of its own."""
    with server.connect() as client:
        return ask(client, path)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_requests_of_all_workers_are_counted(server, flavour):
    server.configure(LIMITED, REQUESTS, "worker_processes 3;")
    server.start("--lua", flavour, master=True)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(60)]
        answers = [ask(client) for client in clients]
    statuses, workers = zip(*answers, strict=True)
    assert statuses.count(200) == 20
    assert len(set(workers)) > 1


def reload(server, process, http):
    """Let the master read another configuration; wait until it is in force."""
    _, old = ask_once(server, "/before")
    server.configure(LIMITED, http)
    os.kill(process.pid, signal.SIGHUP)
    until(lambda: ask_once(server, "/after")[1] != old)


def test_a_reload_keeps_the_count(server):
    server.configure(LIMITED, REQUESTS)
    process = server.start(master=True)
    assert [ask_once(server)[0] for _ in range(20)] == [200] * 20
    reload(server, process, REQUESTS.replace("1r/m", "2r/m"))
    assert ask_once(server)[0] == 503


def test_a_zone_with_another_key_is_another(server):
    server.configure(LIMITED, REQUESTS)
    process = server.start(master=True)
    assert [ask_once(server)[0] for _ in range(21)] == [200] * 20 + [503]
    reload(server, process, REQUESTS.replace("$uri", "a$uri"))
    assert ask_once(server)[0] == 200
