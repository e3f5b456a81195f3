"""ngx.config, ngx.worker, phases, and what needs a request."""

import os

import pytest
from app_server import serving

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)


async def test_facts(flavour):
    lua = """
        ngx.say(ngx.config.subsystem, ngx.config.debug, ngx.config.prefix())
        ngx.say(ngx.config.nginx_version > 1000000, ngx.config.ngx_lua_version > 10000)
        ngx.say(ngx.config.nginx_configure():match("^ %-%-prefix=%S+ %-%-"))
        ngx.say(ngx.worker.id(), ngx.worker.count(), ngx.worker.exiting())
        ngx.say(ngx.worker.pid(), ngx.worker.pids()[1])
        ngx.say(ngx.get_phase(), ngx.get_raw_phase())
        ngx.say(require("ngx") == ngx, require("ndk") == ndk)
    """
    async with serving(lua, flavour) as app:
        pid = os.getpid()
        assert await app.say() == [
            f"httpfalse{app.folder}/",
            "truetrue",
            " --prefix=/usr/share/nginx --",
            "01false",
            f"{pid}{pid}",
            "content8",
            "truetrue",
        ]


async def test_facts_take_no_arguments(flavour):
    lua = """
        ngx.say(ngx.worker.id(1), ngx.worker.count({}), ngx.worker.exiting(nil))
        ngx.say(ngx.worker.pid("x", 2) == ngx.worker.pid())
        ngx.say(ngx.config.nginx_configure(1) == ngx.config.nginx_configure())
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["01false", "true", "true"]


async def test_phases(flavour):
    lua = """
        local phase
        ngx.timer.at(0, function() phase = ngx.get_phase() end)
        while not phase do ngx.sleep(0) end
        ngx.say(phase)
    """
    async with serving(lua, flavour) as app:
        assert await app.say() == ["timer"]
        assert app.worker.vm.run(b"return ngx.get_phase()") == b"init"


async def test_no_dictionary_is_declared(flavour):
    async with serving("ngx.say(next(ngx.shared), ngx.shared.dict)", flavour) as app:
        assert await app.say() == ["nilnil"]


async def test_the_request_api_needs_a_request(flavour):
    async with serving("ngx.say(1)", flavour) as app:
        run = app.worker.vm.run
        for lua in "ngx.var.uri", "ngx.ctx", "ngx.status", "ngx.header.a", "ngx.say()":
            source = f"return select(2, pcall(function() return {lua} end))"
            assert run(source.encode()).endswith(b"no request found")


@pytest.mark.parametrize(
    "lua",
    [
        "ngx.req.get_headers()",
        "ngx.req.get_uri_args()",
        "ngx.req.get_method()",
        "ngx.req.raw_header()",
        "ngx.req.http_version()",
        "ngx.req.get_body_data()",
        "ngx.req.set_header('a', 'b')",
        "ngx.resp.get_headers()",
        "ngx.var.uri",
        "ngx.header.a",
        "ngx.status",
        "ngx.headers_sent",
    ],
)
async def test_the_request_api_is_off_in_timers(flavour, lua):
    source = f"""
        local err
        ngx.timer.at(0, function()
            err = select(2, pcall(function() return {lua} end))
        end)
        while not err do ngx.sleep(0) end
        ngx.say(err)
    """
    async with serving(source, flavour) as app:
        assert (await app.say())[0].endswith("API disabled in the current context")
