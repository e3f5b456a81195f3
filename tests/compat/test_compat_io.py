"""io: formats without a star, formats of lines, chained writes."""

import os

import pytest

from resty_py.vm import FLAVOURS, VM

PUC = [flavour for flavour in FLAVOURS if flavour != "luajit21"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"12 0x1F abc\nsecond\n\nlast")
    return str(path).encode()


def test_write_returns_the_file(vm, tmp_path):
    name = str(tmp_path / "written").encode()
    assert vm.run(
        b"""
        local file = io.open(..., "w")
        local same = file:write("a", 1):write("b") == file
        local default = io.output()
        io.output(file)
        same = same and io.write("c") == file
        io.output(default)
        file:close()
        return same
        """,
        name,
    )
    assert (tmp_path / "written").read_bytes() == b"a1bc"


def test_failed_write_says_why(vm, file):
    assert vm.run(b"local file = io.open(...) return file:write('x')", file)[0] is None


@pytest.mark.parametrize("star", ["", "*"])
def test_read_formats(vm, file, star):
    assert vm.run(
        f"""
        local file = io.open(...)
        return file:read("{star}n", "{star}n", "{star}l", "{star}L", "{star}a",
                         "{star}a", "{star}l", "{star}a")
        """.encode(),
        file,
    ) == (12, 31, b" abc", b"second\n", b"\nlast", b"", None)


def test_read_stops_at_what_it_cannot_read(vm, file):
    assert (
        vm.run(
            b"local f = io.open(...) return select('#', f:read('n', 'n', 'n', 'l'))",
            file,
        )
        == 3
    )


def test_read_counts_and_default(vm, file):
    assert vm.run(
        b"local f = io.open(...) return f:read(0, 2), f:read(), f:read(99), f:read(0)",
        file,
    ) == (b"", b" 0x1F abc", b"second\n\nlast", None)


def test_read_kept_newlines(vm, file):
    assert vm.run(
        b"""
        local f = io.open(...)
        return f:read("L"), f:read("*L"), f:read("L"), f:read("L"), f:read("L")
        """,
        file,
    ) == (b"12 0x1F abc\n", b"second\n", b"\n", b"last", None)


def test_kept_newline_at_the_very_end(vm, tmp_path):
    (tmp_path / "ends").write_bytes(b"one\n\n")
    assert vm.run(
        b"local f = io.open(...) return f:read('L'), f:read('L'), f:read('L')",
        str(tmp_path / "ends").encode(),
    ) == (b"one\n", b"\n", None)


def test_default_input(vm, file):
    assert vm.run(
        b"""
        local before = io.input()
        io.input(...)
        local word, rest = io.read("n", "l")
        local line = io.read()
        io.close(io.input())
        io.input(before)
        return word, rest, line
        """,
        file,
    ) == (12, b" 0x1F abc", b"second")


@pytest.mark.parametrize(
    ("formats", "joined"),
    [
        ("", b"12 0x1F abc|second||last|"),
        (", 'L'", b"12 0x1F abc\n|second\n|\n|last|"),
        (", '*l'", b"12 0x1F abc|second||last|"),
        (", 9", b"12 0x1F a|bc\nsecond|\n\nlast|"),
        (", 'a'", b"12 0x1F abc\nsecond\n\nlast|"),
    ],
)
def test_lines(vm, file, formats, joined):
    # "a" never fails: the loop ends with the whole file.
    source = f"""
    local name, all = ..., ""
    for text in io.lines(name{formats}) do
        all = all .. text .. "|"
        if #all == 25 then break end
    end
    return all
    """
    assert vm.run(source.encode(), file) == joined


@pytest.mark.parametrize("flavour", PUC)
def test_lines_closes_its_file_at_the_end(flavour, file):
    """As the manual says; LuaJIT leaves it to the collector, given a format."""
    vm = VM(flavour)
    collector = b"collectgarbage('%s')"
    vm.run(collector % b"collect")
    vm.run(collector % b"stop")
    before = len(os.listdir("/proc/self/fd"))
    vm.run(b"for _ in io.lines((...), 'l') do end", file)
    assert len(os.listdir("/proc/self/fd")) == before


def test_lines_with_several_formats(vm, file):
    assert vm.run(
        b"for a, b in io.open(...):lines('n', 'l') do return a, b end", file
    ) == (12, b" 0x1F abc")


def test_lines_of_a_missing_file(vm, tmp_path):
    for formats in (b"", b", 'L'"):
        ok, problem = vm.run(
            b"return pcall(function(name) local _ = io.lines(name%s) end, ...)"
            % formats,
            str(tmp_path / "missing").encode(),
        )
        assert not ok
        assert b"No such file or directory" in problem


def test_closed_file(vm, file):
    ok, problem = vm.run(
        b"""
        local file = io.open(...)
        file:close()
        return pcall(function() local _ = file:read("l") end)
        """,
        file,
    )
    assert (ok, problem) == (False, b"(python):4: attempt to use a closed file")
