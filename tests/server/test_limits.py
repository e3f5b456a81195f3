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
    hook = "init_worker_by_lua_block { ngx.log(ngx.WARN, 'begins') }"
    server.configure(LIMITED, REQUESTS + hook, "worker_processes 3;")
    server.start("--lua", flavour, master=True)
    server.until_logged("begins", 3)
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


# limit_conn -------------------------------------------------------------------

CONNECTIONS = "limit_conn_zone $arg_k zone=all:32k;"

HELD = """
location / {
    limit_conn all 1;
    content_by_lua_block {
        ngx.say(ngx.worker.pid())
        ngx.flush(true)
        ngx.sleep(tonumber(ngx.var.arg_s) or 0)
    }
}
location = /pid { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
"""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_killed_worker_counts_no_more(server, flavour):
    server.configure(HELD, CONNECTIONS, "worker_processes 2;")
    server.start("--lua", flavour, master=True)
    with server.connect() as client:
        _, pid = ask(client, "/?k=a&s=60")
        assert ask_once(server, "/?k=a")[0] == 503
        os.kill(pid, signal.SIGKILL)
        until(lambda: ask_once(server, "/?k=a")[0] == 200)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_killed_worker_leaves_no_zone_full(server, flavour):
    """Entries of long keys: the zone holds some hundred."""
    server.configure(HELD, CONNECTIONS)
    server.start("--lua", flavour, master=True)
    paths = [f"/?s=60&k={number}{'x' * 240}" for number in range(200)]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in paths]
        answers = [ask(*one) for one in zip(clients, paths, strict=True)]
        assert {status for status, _ in answers} == {200, 503}
        os.kill(answers[0][1], signal.SIGKILL)
        until(lambda: ask_once(server, f"/?k={'y' * 240}")[0] == 200)
    assert "no memory in limit_conn_zone" in server.log.read_text()


def test_a_worker_that_finishes_counts(server):
    server.configure(HELD, CONNECTIONS)
    process = server.start(master=True)
    with server.connect() as client:
        _, old = ask(client, "/?k=a&s=60")
        os.kill(process.pid, signal.SIGHUP)
        until(lambda: ask_once(server, "/pid")[1] != old)
        assert ask_once(server, "/?k=a")[0] == 503
        os.kill(old, signal.SIGTERM)
        until(lambda: ask_once(server, "/?k=a")[0] == 200)
