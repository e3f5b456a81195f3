"""Compiled Lua modules: Debian's, on every flavour that they are built for.

What a module needs is made visible to a whole process, so that each test runs in
one of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resty_py.vm import FLAVOURS, elf

FOLDERS = f"/usr/lib/{os.uname().machine}-linux-gnu/lua"

#: Flavours that Debian has modules for, and their version.
VERSIONS = {
    name: flavour.version for name, flavour in FLAVOURS.items() if name != "lua55"
}

MODULES = ("lpeg", "lfs", "zlib", "cjson")


def module(version, name="lpeg"):
    return Path(FOLDERS) / version / f"{name}.so"


pytestmark = pytest.mark.skipif(
    not all(module(v, name).exists() for v in VERSIONS.values() for name in MODULES),
    reason="needs Debian's lua-lpeg, lua-filesystem, lua-zlib and lua-cjson",
)

HEAD = """
import sys
from resty_py.vm import VM, LuaError

def run(flavour, code):
    try:
        result = VM(flavour).run(code.encode())
    except LuaError as exc:
        result = str(exc).encode()
    return result.decode() if isinstance(result, bytes) else result

def load(flavour, path):
    opened = f"package.loadlib({path!r}, 'luaopen_lpeg')"
    return run(flavour, f"return (select(2, {opened}))")
"""


def python(code):
    """Return what *code* prints; it must neither fail nor crash."""
    command = [sys.executable, "-c", HEAD + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("flavour", VERSIONS)
def test_modules_work(flavour):
    cjson = module(VERSIONS[flavour], "cjson")
    code = f"""
        local lpeg, lfs, zlib = require "lpeg", require "lfs", require "zlib"
        local cjson = assert(package.loadlib("{cjson}", "luaopen_cjson"))()
        local text = ("x"):rep(1000)
        local packed = zlib.deflate()(text, "finish")
        return table.concat({{
            lpeg.match(lpeg.P "a" * lpeg.C "b", "ab"), lfs.attributes("/", "mode"),
            tostring(zlib.inflate()(packed) == text), cjson.encode {{1, {{a = "b"}}}},
            cjson.decode('["c"]')[1],
        }}, " ")
    """
    assert python(f'print(run("{flavour}", """{code}"""))') == [
        'b directory true [1,{"a":"b"}] c'
    ]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_modules_of_another_lua_are_refused(flavour, tmp_path):
    """They would crash the process, wherever they lie."""
    others = sorted({*VERSIONS.values()} - {FLAVOURS[flavour].version})
    copies = [shutil.copy(module(v), tmp_path / f"lpeg{v}.so") for v in others]
    names = [str(module(v)) for v in others] + [str(copy) for copy in copies]
    said = python(f"for path in {names!r}: print(load({flavour!r}, path))")
    language = FLAVOURS[flavour].language
    wanted = FLAVOURS[flavour].version
    assert said[: len(others)] == [
        f"it is in a folder of Lua {v}; {language} takes modules for Lua {wanted}"
        for v in others
    ]
    for line in said[len(others) :]:
        assert line.startswith(f"it was built for another Lua: {language} has ")
    # None of them was opened: its own are welcome still.
    if flavour in VERSIONS:
        code = "return (require('lpeg').version())"
        assert python(f"print(bool(run({flavour!r}, {code!r})))") == ["True"]


@pytest.mark.parametrize("second", ["lua54", "lua51"])
def test_a_second_flavour_has_no_modules(second):
    """It runs beside the first for all that, imported before or after it."""
    code = f"""
if sys.argv[-1] == "before":
    VM({second!r})
print(run("luajit21", "return type(require('lpeg').match)"))
print(run({second!r}, "return _VERSION .. tostring(jit == nil)"))
print(run({second!r}, "return (select(2, pcall(require, 'lpeg')))"))
print(run("luajit21", "return type(require('lfs').dir)"))
"""
    language, path = FLAVOURS[second].language, module(FLAVOURS[second].version)
    refusal = (
        "\tcompiled modules are in use for LuaJIT 2.1 in this process, so that "
        f"{language} cannot have any"
    )
    for moment in ("before", "after"):
        said = python(code.replace("sys.argv[-1]", repr(moment)))
        assert said == [
            "function",
            f"{language}true",
            f"error loading module 'lpeg' from file '{path}':",
            refusal,
            "function",
        ]


@pytest.mark.parametrize("flavour", VERSIONS)
def test_what_loadlib_takes(flavour, tmp_path):
    """Any file name, and what C takes for one."""
    name = os.fsdecode(bytes(tmp_path) + b"/\xff.so")
    shutil.copy(module(VERSIONS[flavour]), name)
    name = "".join(f"\\\\{byte}" for byte in os.fsencode(name))
    code = f"""
for arguments in (
    "nil, 'x'", "{{}}, 'x'", "'/none\\0more', 'x'", "'{name}', 'luaopen_lpeg'",
):
    call = f"pcall(package.loadlib, {{arguments}})"
    print(run({flavour!r}, f"return (select(2, {{call}}))"))
"""
    no_text, no_table, missing, found = python(code)
    assert no_text.endswith("(string expected, got nil)")
    assert no_table.endswith("(string expected, got table)")
    assert missing == "None"
    assert found.startswith("<Lua function")


@pytest.mark.parametrize("flavour", VERSIONS)
def test_a_file_that_is_cut_short_is_refused(flavour, tmp_path):
    """The linker would end the process with a signal."""
    content = module(VERSIONS[flavour]).read_bytes()
    files = [tmp_path / f"{part}.so" for part in range(1, 9)]
    for part, file in enumerate(files, 1):
        file.write_bytes(content[: len(content) * part // 9])
    code = f"for path in {list(map(str, files))!r}: print(load({flavour!r}, path))"
    assert python(code) == ["the file is cut short or damaged"] * len(files)


def test_a_module_in_a_worker_and_its_threads(tmp_path):
    (tmp_path / "job.lua").write_text(
        "return {match = function(s)"
        " local l = require 'lpeg' return l.match(l.C(l.R('az')^1), s) end}"
    )
    code = f"""
import trio, pathlib, resty_py
async def main():
    folder = pathlib.Path({str(tmp_path)!r})
    async with resty_py.open_worker(path=(folder,)) as worker:
        print(await worker.run("return require('job').match('ab1')"))
        print(await worker.run(
            "return ngx.run_worker_thread('default', 'job', 'match', 'cd1')"))
trio.run(main)
"""
    assert python(code) == ["b'ab'", "(True, b'cd')"]


def test_what_a_library_has_and_needs(tmp_path):
    library = elf.read(str(module("5.4")))
    assert "luaopen_lpeg" in library.defined
    assert "lua_pushvalue" in library.undefined
    assert "libc.so.6" in library.needed
    text = tmp_path / "text.so"
    for content in (b"", b"\x7fELF", b"\x7fELF\2\1" + bytes(99), b"text" * 99):
        text.write_bytes(content)
        assert elf.read(str(text)) in (None, elf.Library((), frozenset(), frozenset()))
    content = bytearray(module("5.4").read_bytes())
    content[0x28:0x30] = b"\xff" * 8  # where the section headers are
    text.write_bytes(content)
    with pytest.raises(elf.DamagedError):
        elf.read(str(text))
