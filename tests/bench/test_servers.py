"""How the bench starts the two servers: the same nginx.conf, the same app."""

import subprocess
from pathlib import Path

import pytest

from bench.scenarios import SCENARIOS
from bench.servers import OpenResty, RestyPy, find_app

THROUGH_CONF = [name for name in SCENARIOS if find_app(name).suffix == ".conf"]


def command(kind, name, folder, port=8080):
    folder.mkdir(exist_ok=True)
    return kind.command(find_app(name), port, folder, SCENARIOS[name].settings)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_has_an_app(name):
    assert find_app(name).is_file()


def test_what_goes_through_nginx_conf():
    assert THROUGH_CONF == [
        "phases",
        "regex",
        "capture",
        "cosocket_tls",
        "download_tls",
        "static",
    ]


def test_a_lua_file_is_served_without_nginx_conf(tmp_path):
    words = command(RestyPy("lua54"), "upload", tmp_path)
    assert words[3:6] == [str(find_app("upload")), "--listen", "127.0.0.1:8080"]
    assert words[8:] == [
        "--set=client_max_body_size=8m",
        "--set=client_body_buffer_size=2m",
        "--lua",
        "lua54",
    ]


def test_an_nginx_conf_is_served_by_our_nginx(tmp_path):
    words = command(RestyPy("lua54"), "regex", tmp_path)
    assert words[3:6] == ["nginx", "-p", str(tmp_path)]
    assert words[-2:] == ["--lua", "lua54"]


def test_both_servers_are_given_the_same_nginx_conf(tmp_path):
    theirs = OpenResty("nginx", modules=(Path("/lua.so"),))
    words = {}
    texts = []
    for kind in (RestyPy(), theirs):
        words[kind.name] = command(kind, "phases", tmp_path)
        texts.append((tmp_path / "nginx.conf").read_text())
    assert texts[0] == texts[1]
    assert words["resty-py"][4:] == words["openresty"][1:-2]
    assert words["openresty"][-2:] == ["-g", "load_module /lua.so;"]


@pytest.mark.parametrize("name", THROUGH_CONF)
def test_our_nginx_accepts_the_configuration(name, tmp_path):
    words = [*command(RestyPy(), name, tmp_path), "-t"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "is successful" in done.stderr) == (0, True)
