"""``--api mk``: scripts for Monkey's Lua plugin."""

import contextlib
import os
import time

import pytest
import trio
from lua_worker import PATIENCE, Rig, Variant, open_client

import resty_py
from resty_py import __version__, cli, server
from resty_py.cli.app import MK_APP
from resty_py.server.config import MkLimits

each_flavour = pytest.mark.parametrize("flavour", ["luajit21", "lua52"])

#: How long each of many sleeps, in seconds.
NAP = 0.2


@contextlib.asynccontextmanager
async def opened(flavour, folder, *settings):
    """Serve the scripts below *folder*; yield a rig and its port."""
    log = folder / "error.log"
    async with resty_py.open_worker(
        error_log=log,
        limits=MkLimits.parse(settings),
        root=folder,
        **Variant(flavour).options,
    ) as worker:
        rig = Rig(worker, log)
        yield rig, rig.serve(MK_APP)


async def ask(flavour, folder, script, request=b"", settings=()):
    """Run *script* for one request, given or a plain GET; return the answer."""
    (folder / "a.lua").write_text(script)
    async with opened(flavour, folder, *settings) as (_, port):
        async with await open_client(port) as client:
            await client.send(request or b"GET /a.lua HTTP/1.1\r\nHost: h\r\n\r\n")
            return await client.answer()


def post(body, kind="application/x-www-form-urlencoded"):
    """Return a POST request for the script."""
    head = f"POST /a.lua HTTP/1.1\r\nHost: h\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def get(target, *headers):
    lines = [f"GET {target} HTTP/1.1", "Host: h", *headers, "", ""]
    return "\r\n".join(lines).encode()


@each_flavour
async def test_print(flavour, tmp_path):
    answer = await ask(
        flavour, tmp_path, '#!/x\nmk.print("one") mk.print(2, nil) mk.print("a\\0b")'
    )
    assert (answer.status, answer.body) == (200, "one\n2\nnil\na\0b")
    assert answer.headers["content-length"] == "13"


@each_flavour
async def test_response(flavour, tmp_path):
    script = """
        mk.response.status = 404
        mk.response.headers["X-One"] = "first"
        mk.response.headers["X-One"] = "second"
        mk.response.headers["X-Number"] = 5
    """
    answer = await ask(flavour, tmp_path, script)
    assert (answer.status, answer.body) == (404, "")
    assert answer.headers["x-one"] == "second"
    assert answer.headers["x-number"] == "5"


@each_flavour
async def test_request(flavour, tmp_path):
    script = """
        for name in ([[request_method request_uri query_string script_name
            script_filename document_root server_protocol server_software
            remote_addr data]]):gmatch("%S+") do
            mk.print(name .. "=" .. mk.request[name])
        end
        local headers = mk.request.headers
        mk.print(headers.HTTP_USER_AGENT, headers.HTTP_X_TWO)
        mk.print(type(mk.request.server_port), mk.request.nothing)
        mk.print(mk.config.workers, mk.config.kernel_features.SO_REUSEPORT)
    """
    request = get("/a.lua?x=%41", "User-Agent: me", "X-Two: 1", "X-Two: 2")
    answer = await ask(flavour, tmp_path, script, request)
    assert answer.body.splitlines() == [
        "request_method=GET",
        "request_uri=/a.lua?x=%41",
        "query_string=x=%41",
        "script_name=/a.lua",
        f"script_filename={tmp_path}/a.lua",
        f"document_root={tmp_path}",
        "server_protocol=HTTP/1.1",
        f"server_software=resty-py/{__version__}",
        "remote_addr=127.0.0.1",
        "data=",
        "me",
        "1, 2",
        "string",
        "nil",
        "1",
        "true",
    ]


SHOW = """
    local first, all = mk.request.{parser}()
    local names = {{}}
    for name in pairs(first) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
        mk.print(name .. ": " .. first[name] .. ": " .. table.concat(all[name], "|"))
    end
"""


@each_flavour
async def test_arguments(flavour, tmp_path):
    request = get("/a.lua?a=1&b&a=2&c=%20+&d=x=y&e=")
    answer = await ask(flavour, tmp_path, SHOW.format(parser="parseargs"), request)
    assert answer.body.splitlines() == [
        "a: 1: 1|2",
        "b: 1: 1",
        "c: %20+: %20+",
        "d: x=y: x=y",
        "e: : ",
    ]


@each_flavour
async def test_a_form(flavour, tmp_path):
    script = SHOW.format(parser="parsedata")
    answer = await ask(flavour, tmp_path, script, post("a=1&b&a=2\r\n"))
    assert answer.body.splitlines() == ["a: 1: 1|2", "b: 1: 1"]


@each_flavour
async def test_a_form_in_parts(flavour, tmp_path):
    parts = [
        'name="a"\r\n\r\none',
        'name="file"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nin\r\nit',
        'name="a"\r\n\r\ntwo',
        f'name="{"n" * 256}"\r\n\r\ntoo long',
    ]
    body = "".join(f"--B\r\nContent-Disposition: form-data; {p}\r\n" for p in parts)
    request = post(f"{body}--B--\r\n", 'multipart/form-data; boundary="B"')
    answer = await ask(flavour, tmp_path, SHOW.format(parser="parsedata"), request)
    assert answer.body == "a: one: one|two\nfile: in\r\nit: in\r\nit"


@each_flavour
async def test_a_body_that_memory_does_not_hold(flavour, tmp_path):
    request = post("x" * 100_000)
    answer = await ask(flavour, tmp_path, "mk.print(#mk.request.data)", request)
    assert answer.body == "100000"


@each_flavour
async def test_cookies(flavour, tmp_path):
    script = """
        local cookies = mk.cookies.get_cookies()
        mk.print(cookies.a, cookies.b, cookies.c)
        mk.cookies.set_cookie {name = "one", value = "1"}
        mk.cookies.set_cookie {name = "two", value = 2, path = "p", domain = "d",
                               expiry = 337606980, secure = true, httponly = true}
    """
    (tmp_path / "a.lua").write_text(script)
    async with opened(flavour, tmp_path) as (_, port):
        async with await open_client(port) as client:
            await client.send(get("/a.lua", "Cookie: a=1; b=x=y", "Connection: close"))
            data = (await client.read_to_end()).decode()
    assert data.endswith("\r\n\r\n1\nx=y\nnil")
    two = "two=2; Path=/p; Domain=d; Expires=Fri, 12-Sep-80 11:43:00 GMT"
    assert [line for line in data.splitlines() if line.startswith("Set-")] == [
        "Set-Cookie: one=1; Path=/",
        f"Set-Cookie: {two}; Secure; HttpOnly",
    ]


@each_flavour
@pytest.mark.parametrize(("debug", "is_shown"), [("on", True), ("off", False)])
async def test_errors(flavour, tmp_path, debug, is_shown):
    (tmp_path / "fails.lua").write_text('mk.print("lost") error("oops")')
    (tmp_path / "slip.lua").write_text("x =")
    async with opened(flavour, tmp_path, f"mk_debug={debug}") as (rig, port):
        for name, text in (("fails", "fails.lua:1: oops"), ("slip", "slip.lua:1:")):
            async with await open_client(port) as client:
                answer = await client.get(f"/{name}.lua")
            assert answer.status == 500
            assert (text in answer.body) == is_shown
            assert "lost" not in answer.body
            assert any("mk: " in line and text in line for line in rig.errors())


@each_flavour
async def test_which_are_scripts(flavour, tmp_path):
    (tmp_path / "app.lua").mkdir()
    for name in ("a.lua", "b.mk", "c.txt"):
        (tmp_path / name).write_text(f"mk.print('{name}')")
    matches = r"mk_match=^/A\.lua$ \.mk$"
    async with opened(flavour, tmp_path, matches) as (_, port):
        answers = {}
        for path in ("/a.lua", "/b.mk", "/c.txt", "/none.mk", "/app.lua", "/../a.lua"):
            async with await open_client(port) as client:
                answer = await client.get(path)
                answers[path] = answer.status
    assert answers == {
        "/a.lua": 200,
        "/b.mk": 200,
        "/c.txt": 404,
        "/none.mk": 404,
        "/app.lua": 404,
        "/../a.lua": 400,
    }


@each_flavour
async def test_only_a_regular_file_is_a_script(flavour, tmp_path):
    """To open another one, or to read it to its end, may take for ever."""
    os.mkfifo(tmp_path / "fifo.lua")
    (tmp_path / "zero.lua").symlink_to("/dev/zero")
    (tmp_path / "loop.lua").symlink_to("loop.lua")
    (tmp_path / "link.lua").symlink_to(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text("mk.print('linked')")
    async with opened(flavour, tmp_path) as (_, port):
        for name in ("fifo", "zero", "loop"):
            async with await open_client(port) as client:
                assert (await client.get(f"/{name}.lua")).status == 404
        async with await open_client(port) as client:
            assert (await client.get("/link.lua")).body == "linked"


@each_flavour
async def test_a_pattern_that_is_wrong_is_told(flavour, tmp_path):
    (tmp_path / "a.lua").write_text("mk.print('found')")
    async with opened(flavour, tmp_path, r"mk_match=( \.lua$") as (rig, port):
        async with await open_client(port) as client:
            assert (await client.get("/a.lua")).body == "found"
        (error,) = rig.errors()
        assert 'mk_match "(": pcre_compile() failed: missing )' in error


@each_flavour
async def test_what_a_script_assigns_is_its_own(flavour, tmp_path):
    (tmp_path / "a.lua").write_text("""
        local mine = mk.request.query_string
        mk.response = {status = 201, headers = {["X-Mine"] = mine}}
        mk.request, mk.shared = {own = mine}, mine
        mk.print(mk.request.own)
    """)
    (tmp_path / "b.lua").write_text("mk.print(mk.request.script_name, mk.shared)")
    async with opened(flavour, tmp_path) as (_, port):
        for number in ("1", "2"):
            async with await open_client(port) as client:
                answer = await client.get(f"/a.lua?{number}")
            assert (answer.status, answer.body) == (201, number)
            assert answer.headers["x-mine"] == number
        async with await open_client(port) as client:
            answer = await client.get("/b.lua")
        assert (answer.status, answer.body) == (200, "/b.lua\n2")


@each_flavour
async def test_a_script_is_loaded_anew(flavour, tmp_path):
    path = tmp_path / "a.lua"
    async with opened(flavour, tmp_path) as (_, port):
        async with await open_client(port) as client:
            for text in ("before", "after"):
                path.write_text(f"mk.print('{text}')")
                assert (await client.get("/a.lua")).body == text


@each_flavour
async def test_a_hundred_sleep_at_once(flavour, tmp_path):
    """Each sees its own request, response and cookies when it wakes."""
    (tmp_path / "a.lua").write_text(f"""
        local before = mk.request.query_string
        mk.response.headers["X-Mine"] = before
        mk.print(before)
        ngx.sleep({NAP})
        mk.print(mk.request.query_string)
    """)
    answers = {}

    async def one(port, number):
        async with await open_client(port) as client:
            answers[number] = await client.get(f"/a.lua?{number}")

    async with opened(flavour, tmp_path) as (rig, port):
        start = time.monotonic()
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                for number in range(100):
                    nursery.start_soon(one, port, number)
        assert time.monotonic() - start < 50 * NAP
        assert rig.errors() == []
    for number, answer in answers.items():
        assert answer.body == f"{number}\n{number}"
        assert answer.headers["x-mine"] == str(number)


# The command line ------------------------------------------------------------


@pytest.fixture
def configured(monkeypatch):
    """Run the command and return the configuration that it would serve."""
    configs = []
    monkeypatch.setattr(server, "serve_app", lambda config: configs.append(config) or 0)

    def run(*words):
        assert cli.main([*map(str, words), "--api", "mk"]) == 0
        return configs.pop()

    return run


def test_a_folder(configured, tmp_path):
    config = configured(tmp_path, "--set", "mk_debug=on")
    assert (config.app, config.root) == (MK_APP, tmp_path)
    assert config.limits.mk_script is None
    assert config.limits.mk_debug


def test_a_script_that_is_no_file(tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo.lua")
    assert cli.main([str(tmp_path / "fifo.lua"), "--api", "mk"]) == 2
    assert capsys.readouterr().err.endswith("fifo.lua: not a file\n")


def test_one_script(configured, tmp_path):
    script = tmp_path / "app.lua"
    script.write_text("")
    config = configured(script)
    assert (config.app, config.root) == (MK_APP, tmp_path)
    assert config.limits.mk_script == script


@each_flavour
async def test_one_script_answers_every_path(flavour, tmp_path):
    script = tmp_path / "only.lua"
    script.write_text("mk.print(mk.request.script_name)")
    async with opened(flavour, tmp_path, f"mk_script={script}") as (_, port):
        async with await open_client(port) as client:
            assert (await client.get("/any/path")).body == "/any/path"
