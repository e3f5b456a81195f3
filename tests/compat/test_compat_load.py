"""load, loadstring, loadfile, dofile: the Lua 5.2 manual, as LuaJIT has it."""

import pytest

from resty_py.vm import FLAVOURS, VM

PUC = [flavour for flavour in FLAVOURS if flavour != "luajit21"]


def test_load_takes_text(vm):
    assert vm.run(b"return load('return ...')(7)") == 7


def test_load_takes_a_reader(vm):
    assert (
        vm.run(
            b"""
        local pieces = {"return ", "1", "5", nil}
        local index = 0
        return load(function()
            index = index + 1
            return pieces[index]
        end)()
        """
        )
        == 15
    )


def test_reader_may_end_with_an_empty_piece(vm):
    assert (
        vm.run(
            b"""
        local pieces = {"return 3", "", " + 1"}
        local index = 0
        return load(function()
            index = index + 1
            return pieces[index]
        end)()
        """
        )
        == 3
    )


def test_failing_reader(vm):
    chunk, problem = vm.run(b"return load(function() error('broken', 0) end)")
    assert chunk is None
    # Outside a coroutine lupa's own message handler adds a traceback.
    assert problem.splitlines()[0] == b"broken"


def test_load_with_an_environment(vm):
    assert vm.run(
        b"""
        local env = {x = 4}
        local chunk = load("y = x + 1 return x, tostring", "=env", "t", env)
        local x, missing = chunk()
        return x, missing, env.y, y
        """
    ) == (4, None, 5, None)


def test_reader_with_an_environment(vm):
    assert (
        vm.run(
            b"""
        local pieces = {"return x"}
        return load(function() return table.remove(pieces) end, "=r", nil,
                    {x = 9})()
        """
        )
        == 9
    )


def test_nil_environment_is_the_global_table(vm):
    assert vm.run(b"return load('return tostring(5)', '=x', 't', nil)()") == b"5"


@pytest.mark.parametrize(
    ("mode", "text", "binary"),
    [(b"t", True, False), (b"b", False, True), (b"bt", True, True)],
)
def test_mode(vm, mode, text, binary):
    assert vm.run(
        b"""
        local dumped = string.dump(function() return 1 end)
        local done = false
        local function reader()
            if not done then
                done = true
                return "return 1"
            end
        end
        return load("return 1", "=t", ...) ~= nil, load(dumped, "=b", ...) ~= nil,
            load(reader, "=r", ...) ~= nil
        """,
        mode,
    ) == (text, binary, text)


def test_refused_mode_says_why(vm):
    chunk, problem = vm.run(b"return load('return 1', '=t', 'b')")
    assert chunk is None
    assert problem.startswith(b"attempt to load ")


@pytest.mark.parametrize("name", [b"load", b"loadstring"])
def test_chunk_name(vm, name):
    source = b"return select(2, _G[...]('return +', '=name'))"
    assert vm.run(source, name).startswith(b"name:1: ")
    source = b"return select(2, _G[...]('return +'))"
    assert vm.run(source, name).startswith(b'[string "return +"]:1: ')


def test_loadfile_with_mode_and_environment(vm, tmp_path):
    file = tmp_path / "chunk.lua"
    file.write_bytes(b"#!shebang\nreturn x, ...")
    name = str(file).encode()
    assert vm.run(b"return loadfile(..., 't', {x = 3})(8)", name) == (3, 8)
    assert vm.run(b"return loadfile(...)(8)", name) == (None, 8)
    refused, problem = vm.run(b"return loadfile(..., 'b')", name)
    assert refused is None
    assert b"attempt to load " in problem


@pytest.mark.parametrize("flavour", PUC)
def test_loadfile_of_a_binary_under_a_comment(flavour, tmp_path):
    vm = VM(flavour)
    file = tmp_path / "chunk.luac"
    dumped = vm.run(b"return string.dump(function() return 6 end)")
    file.write_bytes(b"#!shebang\n" + dumped)
    name = str(file).encode()
    assert vm.run(b"return loadfile(..., 'b')()", name) == 6
    assert vm.run(b"return (loadfile(..., 't'))", name) is None


def test_loadfile_of_a_missing_file(vm, tmp_path):
    name = str(tmp_path / "missing.lua").encode()
    chunk, problem = vm.run(b"return loadfile(..., 't')", name)
    assert chunk is None
    assert problem.startswith(b"cannot open ")


def test_dofile_can_yield(vm, tmp_path):
    file = tmp_path / "yielding.lua"
    file.write_bytes(b"local x = coroutine.yield('parked') return x, 'done'")
    assert vm.run(
        b"""
        local co = coroutine.wrap(function(name) return dofile(name) end)
        local first = co(...)
        return first, co("resumed")
        """,
        str(file).encode(),
    ) == (b"parked", b"resumed", b"done")


def test_dofile_raises_the_loaders_message(vm, tmp_path):
    file = tmp_path / "bad.lua"
    file.write_bytes(b"return +")
    ok, problem = vm.run(b"return pcall(dofile, ...)", str(file).encode())
    assert not ok
    assert b"bad.lua:1: " in problem
