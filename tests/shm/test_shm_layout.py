"""The numbers of the layout, in both languages, and those that nginx has."""

from __future__ import annotations

import pytest
import trio
from real_nginx import RealNginx
from shm_vm import open_vm

from resty_py.host.shm import open_zones
from resty_py.shm import layout
from resty_py.shm.memory import hash_address, hash_of
from resty_py.shm.zone import Zone

SIZES = [8192, 9000, 12288, 40960, 65536, 102400, 900 * 1024, 1 << 20, 10 << 20]


def test_lua_has_the_same_numbers():
    table = open_vm().require("resty_py.shm.layout")
    lua = {name.decode(): int(value) for name, value in table.items()}
    assert lua == {name: getattr(layout, name) for name in lua}


def test_parts_do_not_overlap():
    for size in SIZES:
        shape = layout.Shape(size)
        end_of_table = layout.TABLE + (layout.FIRST_PAGE + shape.pages) * 8
        assert shape.first_bucket == end_of_table
        assert (end_of_table + shape.buckets) * 4 <= shape.data * 8
        assert shape.length == shape.data * 8 + shape.pages * layout.PAGE
        # What comes on top of the declared size.
        assert shape.length < size * 1.1 + 2 * layout.PAGE


def test_hash_is_that_of_the_c_function():
    call = open_vm().run(b"""
        local ffi = require "ffi"
        local address = ffi.cast("uintptr_t", ...)
        local hash = ffi.cast("int (*)(const char *, intptr_t)", address)
        return function(key) return hash(key, #key) end
    """, hash_address())  # fmt: skip
    for key in (b"a", b"\0", b"key" * 1000, "grüße".encode()):
        assert call(key) == hash_of(key)


async def test_pages_as_nginx(tmp_path):
    """In so many bytes nginx finds as many pages."""
    # It does not start with dictionaries that hold nothing but its own slots.
    sizes = [size for size in SIZES if size >= 12288]
    directives = "".join(f"lua_shared_dict z{size} {size};" for size in sizes)
    (tmp_path / "free.lua").write_text(
        "".join(f"ngx.say(ngx.shared.z{size}:free_space())" for size in sizes)
    )
    with RealNginx(tmp_path, directives) as nginx:
        async with await trio.open_tcp_stream("127.0.0.1", nginx.port) as stream:
            await stream.send_all(b"GET /free HTTP/1.0\r\n\r\n")
            answer = b"".join([chunk async for chunk in stream])
    theirs = answer.partition(b"\r\n\r\n")[2].split()
    ours = [Zone(b"z%d" % size, size).free_space() for size in sizes]
    assert list(map(int, theirs)) == ours


def test_zones_of_the_same_size_are_kept():
    first = open_zones([(b"a", 16384), (b"b", 16384), (b"c", 16384)])
    second = open_zones([(b"a", 16384), (b"b", 20480), (b"d", 16384)], first)
    assert list(second) == [b"a", b"b", b"d"]
    assert second[b"a"] is first[b"a"]
    assert second[b"b"] is not first[b"b"]
    assert second[b"b"].capacity == 20480


def test_too_much_memory():
    with pytest.raises(OSError, match="Cannot allocate memory") as caught:
        Zone(b"huge", 1 << 46)
    assert caught.value.filename == f"mmap(MAP_ANON|MAP_SHARED, {1 << 46})"
