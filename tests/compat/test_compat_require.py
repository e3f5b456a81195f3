"""require, package.loaders and searchpath: the Lua 5.1 manual, section 5.3."""

import pytest

from resty_py.vm import LuaError


@pytest.fixture
def modules(vm, tmp_path):
    """Return a function that writes a module file into the search path."""
    vm.run(b"package.path = ...", f"{tmp_path}/?.lua;{tmp_path}/?/init.lua".encode())
    vm.run(b"package.cpath = ...", f"{tmp_path}/?.so".encode())

    def write(name, source):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(source)
        return file

    return write


def test_value_is_kept(vm, modules):
    modules("once.lua", b"count = (count or 0) + 1 return {count}")
    assert vm.run(
        b"return require('once') == require('once'), package.loaded.once[1], count"
    ) == (True, 1, 1)


def test_module_without_a_value_is_true(vm, modules):
    modules("silent.lua", b"")
    assert vm.run(b"return require 'silent', package.loaded.silent") == (True, True)


def test_module_may_enter_itself(vm, modules):
    modules("own.lua", b"package.loaded[...] = 'entered'")
    assert vm.run(b"return require 'own'") == b"entered"


def test_false_is_entered_and_loaded_again(vm, modules):
    modules("falsy.lua", b"count = (count or 0) + 1 return false")
    assert vm.run(b"return require('falsy'), require('falsy'), count") == (
        False,
        False,
        2,
    )


def test_one_value_is_returned(vm, modules):
    modules("many.lua", b"return 1, 2, 3")
    assert vm.run(b"return select('#', require 'many')") == 1


def test_dots_are_folders_and_init_is_found(vm, modules):
    modules("deep/inner.lua", b"return ...")
    modules("deep/init.lua", b"return ...")
    assert vm.run(b"return require 'deep.inner', require 'deep'") == (
        b"deep.inner",
        b"deep",
    )


def test_module_gets_its_name_and_since_5_2_its_file(vm, modules):
    file = modules("told.lua", b"return {...}")
    name, path = vm.run(b"return unpack(require 'told', 1, 2)")
    assert name == b"told"
    is_5_1 = vm.flavour.name in ("luajit21", "lua51")
    assert path == (None if is_5_1 else str(file).encode())


def test_main_chunk_can_yield(vm, modules):
    modules("yielding.lua", b"local x = coroutine.yield('parked') return {x}")
    assert vm.run(
        b"""
        local co = coroutine.wrap(function() return require("yielding")[1] end)
        return co(), co("resumed")
        """
    ) == (b"parked", b"resumed")


def test_missing_module(vm, modules, tmp_path):
    with pytest.raises(LuaError) as caught:
        vm.run(b"local x = require 'not.there'", name="=user")
    expected = (
        "user:1: module 'not.there' not found:"
        "\n\tno field package.preload['not.there']"
        f"\n\tno file '{tmp_path}/not/there.lua'"
        f"\n\tno file '{tmp_path}/not/there/init.lua'"
        f"\n\tno file '{tmp_path}/not/there.so'"
        f"\n\tno file '{tmp_path}/not.so'"
    )
    assert str(caught.value).partition("\nstack traceback:")[0] == expected


def test_syntax_error(vm, modules):
    file = modules("broken.lua", b"\nreturn +")
    with pytest.raises(LuaError) as caught:
        vm.run(b"require 'broken'")
    assert str(caught.value).startswith(
        f"error loading module 'broken' from file '{file}':\n\t"
    )
    assert "broken.lua:2: " in str(caught.value)


def test_error_of_the_main_chunk_is_left_alone(vm, modules):
    modules("raising.lua", b"error({code = 5})")
    assert vm.run(
        b"local ok, problem = pcall(require, 'raising') return ok, problem.code"
    ) == (False, 5)


def test_loop(vm, modules):
    modules("snake.lua", b"return require 'tail'")
    modules("tail.lua", b"return require 'snake'")
    ok, problem = vm.run(b"return pcall(require, 'snake')")
    assert not ok
    assert problem.endswith(b"loop or previous error loading module 'snake'")


def test_module_that_failed_is_not_tried_again(vm, modules):
    modules("raising.lua", b"count = (count or 0) + 1 error('no')")
    ok, problem, count = vm.run(
        b"""
        pcall(require, "raising")
        local ok, problem = pcall(require, "raising")
        return ok, problem, count
        """
    )
    assert (ok, count) == (False, 1)
    assert problem.endswith(b"loop or previous error loading module 'raising'")


def test_preload(vm):
    assert (
        vm.run(
            b"""
        package.preload.given = function(...) return {(...)} end
        return require("given")[1]
        """
        )
        == b"given"
    )


def test_loaders_and_searchers_are_one_table(vm):
    assert vm.run(b"return package.loaders == package.searchers, #package.loaders") == (
        True,
        4,
    )


def test_user_searchers_are_asked_in_order(vm):
    assert vm.run(
        b"""
        table.insert(package.loaders, 1, function(name)
            if name == "made" then
                return function(n) return "made of " .. n end
            end
            return "\\n\\tnot made"
        end)
        table.insert(package.loaders, function(name) return "no last resort" end)
        table.insert(package.loaders, function(name) return nil end)
        local _, problem = pcall(require, "missing")
        return require "made",
            problem:find("not found:\\n\\tnot made\\n\\tno field", 1, true) ~= nil,
            problem:sub(-16)
        """
    ) == (b"made of made", True, b"\n\tno last resort")


def test_replaced_list_of_searchers(vm):
    for name in ("loaders", "searchers"):
        assert (
            vm.run(
                b"""
            local before = package[...]
            package[...] = {function(name) return function() return "mine" end end}
            local value = require("anything." .. ...)
            package[...] = before
            return value
            """,
                name.encode(),
            )
            == b"mine"
        )


@pytest.mark.parametrize("field", [b"path", b"cpath", b"loaders", b"preload"])
def test_spoilt_package_table(vm, field):
    ok, problem = vm.run(
        b"package[...] = nil package.searchers = nil return pcall(require, 'anything')"
        if field == b"loaders"
        else b"package[...] = nil return pcall(require, 'anything')",
        field,
    )
    assert not ok
    kind = b"string" if field.endswith(b"path") else b"table"
    assert problem == b"'package." + field + b"' must be a " + kind


def test_broken_library(vm, modules):
    file = modules("native.so", b"not a library")
    with pytest.raises(LuaError) as caught:
        vm.run(b"require 'native'")
    assert str(caught.value).startswith(
        f"error loading module 'native' from file '{file}':\n\t"
    )


def test_library_functions_asked_for(vm, modules):
    """A hyphen ends a version mark; "a.b" is looked for in the library of "a"."""
    modules("v2-name.so", b"")
    modules("root.so", b"")
    assert vm.run(
        b"""
        local asked = {}
        function package.loadlib(file, name)
            asked[#asked + 1] = name
            return function() return name end
        end
        return require "v2-name", require "root.part"
        """
    ) == (b"luaopen_name", b"luaopen_root_part")


def test_searchpath(vm, tmp_path):
    (tmp_path / "there.lua").write_bytes(b"")
    path = f"{tmp_path}/?.none;{tmp_path}/?.lua".encode()
    found = f"{tmp_path}/there.lua".encode()
    assert vm.run(b"return package.searchpath('there', ...)", path) == found
    assert vm.run(b"return package.searchpath('not.there', ...)", path)[0] is None
    problem = vm.run(b"return select(2, package.searchpath('a.b', ...))", path)
    assert problem.split() == (
        f"no file '{tmp_path}/a/b.none' no file '{tmp_path}/a/b.lua'".encode().split()
    )
    assert vm.run(b"return package.searchpath('th-ere', ..., '-', '')", path) == found
    assert vm.run(b"return package.searchpath('.there', ..., '')", path)[0] is None
