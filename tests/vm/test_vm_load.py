"""Loading code into a VM: chunk names, error texts, modules."""

from __future__ import annotations

import pytest

from resty_py.vm import FLAVOURS, VM, LuaError


@pytest.fixture(params=FLAVOURS, scope="module")
def vm(request):
    return VM(request.param)


def first_line(caught):
    return str(caught.value).partition("\n")[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=content_by_lua", "content_by_lua:2: bang"),
        ("@/srv/app.lua", "/srv/app.lua:2: bang"),
    ],
)
def test_chunk_names(vm, name, shown):
    with pytest.raises(LuaError) as caught:
        vm.run(b"\nerror('bang')", name=name)
    assert first_line(caught) == shown


def test_an_error_brings_its_traceback(vm):
    with pytest.raises(LuaError, match=r"\nstack traceback:\n") as caught:
        vm.run(b"error('bang')")
    assert first_line(caught) == "(python):1: bang"
    assert str(caught.value).endswith("(python):1: in main chunk")


def test_an_error_without_position(vm):
    with pytest.raises(LuaError) as caught:
        vm.run(b"error('bang', 0)")
    assert first_line(caught) == "bang"


def test_syntax_errors(vm):
    with pytest.raises(LuaError, match=r"^app:3: .*near '?<eof>'?"):
        vm.load(b"\n\nx =", "=app")


def test_bytecode_and_text_are_bytes(vm):
    assert vm.run(b"return '\xff\\0'") == b"\xff\0"


def test_a_file_may_begin_with_a_hash_line(vm, tmp_path):
    app = tmp_path / "app.lua"
    app.write_bytes(b"#!/usr/bin/env resty\nreturn debug.getinfo(1).currentline, 7")
    assert vm.call(vm.load_file(app)) == (2, 7)
    app.write_bytes(b"#!only")
    assert vm.call(vm.load_file(app)) is None


def test_a_file_is_named_in_its_errors(vm, tmp_path):
    app = tmp_path / "a.lua"
    app.write_bytes(b"#!x\nlocal t\nreturn t.x")
    with pytest.raises(LuaError, match=r"a\.lua:3: attempt to index"):
        vm.call(vm.load_file(app))


def test_no_such_file(vm, tmp_path):
    with pytest.raises(FileNotFoundError):
        vm.load_file(tmp_path / "none.lua")


def test_require_of_a_missing_module(vm):
    with pytest.raises(LuaError) as caught:
        vm.require("no.such")
    text = str(caught.value)
    assert "module 'no.such' not found:" in text
    assert "no field package.preload['no.such']" in text
    assert "/no/such.lua'" in text
    assert "/no/such/init.lua'" in text
    assert "/no/such.so'" in text


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_given_folders_come_first(flavour, tmp_path):
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "init.lua").write_text("return {name = ...}")
    (tmp_path / "resty_py").mkdir()
    (tmp_path / "resty_py" / "version.lua").write_text("return 'shadowed'")
    vm = VM(flavour, path=[tmp_path])
    assert vm.require("found")[b"name"] == b"found"
    assert vm.require("resty_py.version") == b"shadowed"


def test_a_module_that_fails(vm, tmp_path):
    (tmp_path / "broken.lua").write_text("x =")
    with pytest.raises(LuaError, match=r"broken\.lua:1: "):
        VM(vm.flavour, path=[tmp_path]).require("broken")
