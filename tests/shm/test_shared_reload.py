"""Dictionaries of ``resty-py nginx``: what becomes of them over a reload."""

from __future__ import annotations

import signal

import pytest
from nginx_command import Command, until

SERVER = """
location /incr { content_by_lua_block {
    ngx.print((ngx.shared.counts:incr("n", 1, 0)))
} }
location /generation { return 200 "GENERATION"; }
location /names { content_by_lua_block {
    local names = {}
    for name, dict in pairs(ngx.shared) do
        names[#names + 1] = name .. "=" .. dict:capacity()
    end
    table.sort(names)
    ngx.print(table.concat(names, " "))
} }
"""


@pytest.fixture
def command(tmp_path):
    with Command(tmp_path) as command:
        yield command


def generation(text):
    return SERVER.replace("GENERATION", text)


def reload(command, process, text, http):
    command.configure(generation(text), http)
    process.send_signal(signal.SIGHUP)
    until(lambda: command.get("/generation") == text)


def test_contents_survive_a_reload(command):
    init = 'init_by_lua_block { ngx.shared.counts:incr("inits", 1, 0) }'
    http = f"lua_shared_dict counts 100k; lua_shared_dict other 1m; {init}"
    command.configure(generation("one"), http)
    process = command.start()
    assert [command.get("/incr") for _ in range(3)] == ["1", "2", "3"]
    assert command.get("/names") == "counts=102400 other=1048576"
    reload(command, process, "two", http)
    assert command.get("/incr") == "4"
    reload(command, process, "three", "lua_shared_dict counts 100k;")
    assert command.get("/incr") == "5"
    assert command.get("/names") == "counts=102400"


def test_another_size_is_another_dictionary(command):
    command.configure(generation("one"), "lua_shared_dict counts 100k;")
    process = command.start()
    assert command.get("/incr") == "1"
    reload(command, process, "two", "lua_shared_dict counts 200k;")
    assert command.get("/incr") == "1"


def test_a_failed_reload_leaves_it_alone(command):
    command.configure(generation("one"), "lua_shared_dict counts 100k;")
    process = command.start()
    assert command.get("/incr") == "1"
    command.configure(generation("two"), "lua_shared_dict counts 200k; nonsense;")
    process.send_signal(signal.SIGHUP)
    command.until_logged("unknown directive")
    assert command.get("/incr") == "2"


def test_no_memory(command):
    command.configure(generation("one"), "lua_shared_dict counts 70000000m;")
    done = command.run("-g", "daemon off;")
    assert done.returncode == 1
    said = "mmap(MAP_ANON|MAP_SHARED, 73400320000000) failed (12: Cannot allocate"
    assert said in done.stderr
