"""Where modules are looked for."""

import pytest

from resty_py.vm import FLAVOURS, VM
from resty_py.vm.paths import LUALIB, package_cpath, package_path

LUAJIT, LUA54 = FLAVOURS["luajit21"], FLAVOURS["lua54"]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("LUA_PATH", "LUA_CPATH", "LUA_PATH_5_4", "LUA_CPATH_5_4"):
        monkeypatch.delenv(name, raising=False)


def places(path):
    return path.split(";")


def test_our_own_come_first_then_the_folder_where_we_are():
    found = places(package_path(LUAJIT))
    assert found[0] == f"{LUALIB}/?.lua"
    assert found[2] == "./?.lua"
    assert "/usr/share/lua/5.1/?.lua" in found
    assert places(package_cpath(LUAJIT))[0] == "./?.so"


def test_newer_lua_finds_what_is_installed_for_it_first():
    found = places(package_path(LUA54))
    assert found.index("/usr/share/lua/5.4/?.lua") < found.index(
        "/usr/share/lua/5.1/?.lua"
    )


def test_the_environment(monkeypatch):
    usual = package_path(LUAJIT)
    monkeypatch.setenv("LUA_PATH", "/x/?.lua;;")
    assert package_path(LUAJIT) == usual.replace("./?.lua", "/x/?.lua;./?.lua", 1)
    monkeypatch.setenv("LUA_CPATH", "/x/?.so")
    assert package_cpath(LUAJIT) == "/x/?.so"


def test_the_version_in_a_name_counts_from_5_2_on(monkeypatch):
    monkeypatch.setenv("LUA_CPATH", "/any/?.so")
    assert package_cpath(LUA54) == "/any/?.so"
    monkeypatch.setenv("LUA_CPATH_5_4", "/new/?.so")
    assert package_cpath(LUA54) == "/new/?.so"
    assert package_cpath(LUAJIT) == "/any/?.so"


def test_a_configuration_adds_to_the_environment(monkeypatch):
    monkeypatch.setenv("LUA_CPATH", "/env/?.so")
    assert package_cpath(LUAJIT, given="/conf/?.so;;") == "/conf/?.so;/env/?.so"
    assert package_cpath(LUAJIT, given="/conf/?.so") == "/conf/?.so"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_module_of_the_environment(flavour, tmp_path, monkeypatch):
    (tmp_path / "from_env.lua").write_text("return 'found'")
    monkeypatch.setenv("LUA_PATH", f"{tmp_path}/?.lua")
    assert VM(flavour).run(b"return require 'from_env'") == b"found"
