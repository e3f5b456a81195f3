"""ngx.req: the body, on every flavour."""

import os
import stat

import pytest
import trio
from app_server import PATIENCE, body, serving, split

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
HEAD = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"

READ = """
    ngx.req.read_body()
    ngx.say(ngx.req.get_body_data(), " ", ngx.req.get_body_file())
"""


def _post(data):
    return HEAD.format(len(data)).encode() + data


def _lines(answer):
    return body(answer).decode("latin-1").splitlines()


async def test_a_small_body_is_in_memory(flavour):
    async with serving(READ, flavour) as app:
        assert _lines(await app.request(_post(b"hello"))) == ["hello nil"]
        chunks = b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        assert _lines(await app.request(CHUNKED + chunks)) == ["hello nil"]
        assert await app.say() == ["nil nil"]


async def test_a_body_that_comes_late_is_awaited(flavour):
    async with serving(READ, flavour) as app:
        stream = await trio.open_tcp_stream("127.0.0.1", app.port)
        async with stream:
            for piece in HEAD.format(5).encode(), b"he", b"llo":
                await stream.send_all(piece)
                await trio.testing.wait_all_tasks_blocked()
            assert b"hello nil" in await stream.receive_some()


async def test_a_large_body_is_in_a_file_of_ours_alone(flavour, tmp_path):
    lua = """
        ngx.req.read_body()
        local path = ngx.req.get_body_file()
        local file = io.open(path)
        ngx.say(path) ngx.say(#file:read("*a"), ngx.req.get_body_data())
        ngx.say(ngx.var.request_body_file == path, ngx.var.request_body)
        file:close()
        ngx.say(require("resty_py.host").call("mode", path))
    """
    async with serving(lua, flavour, client_body_temp_path=tmp_path) as app:

        async def mode(path):
            return stat.S_IMODE(os.stat(path).st_mode)

        app.worker.provide("mode", mode)
        path, size, variable, shown = _lines(await app.request(_post(b"x" * 20000)))
        assert path.startswith(f"{tmp_path}/")
        assert (size, variable, shown) == ("20000nil", "truenil", str(0o600))
        assert list(tmp_path.iterdir()) == []
        assert (
            f"warn: a client request body is buffered to a temporary file {path}"
            in (app.log)
        )


async def test_the_file_goes_when_the_client_goes(flavour, tmp_path):
    async with serving(READ, flavour, client_body_temp_path=tmp_path) as app:
        await app.request(HEAD.format(90000).encode() + b"x" * 80000)
        assert list(tmp_path.iterdir()) == []


async def test_no_folder_for_the_file_is_an_error(flavour, tmp_path):
    async with serving(READ, flavour, client_body_temp_path=tmp_path / "no") as app:
        answer = await app.request(_post(b"x" * 20000))
        assert split(answer)[0][0] == "HTTP/1.1 500 Internal Server Error"
        assert "crit: reading the request body failed: no such file" in app.log


async def test_a_body_that_is_too_large_is_refused(flavour):
    async with serving(READ, flavour, client_max_body_size="1k") as app:
        for request in (
            HEAD.format(1025).encode(),
            CHUNKED + b"401\r\n" + b"x" * 1025 + b"\r\n0\r\n\r\n",
        ):
            head, _ = split(await app.request(request))
            assert head[0] == "HTTP/1.1 413 Request Entity Too Large"


async def test_a_body_that_does_not_come_times_out(flavour):
    async with serving(READ, flavour, client_body_timeout="20ms") as app:
        async with await trio.open_tcp_stream("127.0.0.1", app.port) as stream:
            await stream.send_all(HEAD.format(5).encode())
            with trio.fail_after(PATIENCE):
                assert await stream.receive_some() == b""
        assert "timed out" not in app.log  # nginx says nothing of it, too


async def test_expect_continue_is_answered_when_the_body_is_read(flavour):
    head = HEAD.format(5).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")
    async with (
        serving(READ, flavour) as app,
        await trio.open_tcp_stream("127.0.0.1", app.port) as stream,
    ):
        await stream.send_all(head.encode())
        with trio.fail_after(PATIENCE):
            interim = await stream.receive_some()
            assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
            await stream.send_all(b"hello")
            assert b"hello nil" in await stream.receive_some()


async def test_the_body_can_be_read_before_every_handler(flavour):
    lua = "ngx.say(ngx.req.get_body_data(), ' ', ...) ngx.log(ngx.ERR, 'here')"
    async with serving(lua, flavour, lua_need_request_body="on") as app:
        assert _lines(await app.request(_post(b"hello"))) == ["hello "]
        assert await app.say() == ["nil "]
        assert "error: [lua] content_by_lua:1: here, client: " in app.log
        bad = CHUNKED + b"zz\r\n"
        assert split(await app.request(bad))[0][0] == "HTTP/1.1 400 Bad Request"


async def test_reading_twice_is_reading_once(flavour):
    async with serving("ngx.req.read_body()" + READ, flavour) as app:
        assert _lines(await app.request(_post(b"hello"))) == ["hello nil"]


async def test_a_maximum_of_body_data(flavour):
    lua = """
        ngx.req.read_body()
        ngx.say(ngx.req.get_body_data(2), ngx.req.get_body_data(0))
    """
    async with serving(lua, flavour) as app:
        assert _lines(await app.request(_post(b"hello"))) == ["hehello"]


async def test_a_discarded_body_is_not_there(flavour):
    lua = "ngx.req.discard_body()" + READ + "ngx.say(next(ngx.req.get_post_args()))"
    async with serving(lua, flavour) as app:
        answers = await app.request(_post(b"hello") + _post(b"x"))
        assert answers.count(b"nil nil") == 2


async def test_a_body_is_discarded_while_the_handler_goes_on(flavour):
    lua = """
        ngx.req.discard_body()
        ngx.say(pcall(ngx.req.set_body_data, "x"))
        local call = require("resty_py.host").call
        call("discarding") ngx.say(ngx.req.get_body_data())
    """
    async with serving(lua, flavour, client_max_body_size="0") as app:
        sent = trio.Event()

        async def discarding():
            await sent.wait()

        app.worker.provide("discarding", discarding)
        async with await trio.open_tcp_stream("127.0.0.1", app.port) as stream:
            await stream.send_all(HEAD.format(3_000_000).encode())
            # More than the kernel keeps: it goes out only if somebody reads.
            with trio.fail_after(PATIENCE):
                await stream.send_all(b"x" * 3_000_000 + GET)
                sent.set()
                await stream.send_eof()
                answers = b"".join([chunk async for chunk in stream])
        assert answers.count(b"HTTP/1.1 200 OK") == 2
        assert b"request body already discarded asynchronously" in answers


async def test_body_data_can_be_replaced(flavour, tmp_path):
    lua = """
        ngx.say(pcall(ngx.req.set_body_data, "x"))
        ngx.req.read_body() ngx.req.set_body_data("hello")
        ngx.say(ngx.req.get_body_data(), ngx.var.http_content_length)
        ngx.req.set_body_data("") ngx.say(ngx.req.get_body_data())
    """
    async with serving(lua, flavour, client_body_temp_path=tmp_path) as app:
        refused, replaced, emptied = _lines(await app.request(_post(b"x" * 20000)))
        assert refused.endswith("request body not read yet")
        assert (replaced, emptied) == ("hello5", "nil")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("auto_clean", [True, False])
async def test_a_file_can_be_the_body(flavour, tmp_path, auto_clean):
    path = tmp_path / "body"
    path.write_bytes(b"hello")
    lua = f"""
        ngx.req.read_body()
        ngx.req.set_body_file("{path}", {str(auto_clean).lower()})
        ngx.say(ngx.req.get_body_file(), ngx.req.get_body_data(),
                ngx.var.http_content_length)
        ngx.say(pcall(ngx.req.set_body_file, "/no/such/file"))
    """
    async with serving(lua, flavour) as app:
        first, second = _lines(await app.request(_post(b"x")))
        assert first == f"{path}nil5"
        assert second.endswith('stat() "/no/such/file" failed')
        assert path.exists() is not auto_clean


async def test_a_body_can_be_written_anew(flavour):
    lua = """
        ngx.req.read_body()
        ngx.say(pcall(ngx.req.append_body, "x"))
        ngx.req.init_body() ngx.req.append_body("hel") ngx.req.append_body("lo")
        ngx.req.finish_body()
        ngx.say(ngx.req.get_body_data(), ngx.var.http_content_length)
        ngx.req.init_body(3) ngx.req.append_body("hel") ngx.req.append_body("lo!")
        ngx.req.finish_body()
        local file = io.open(ngx.req.get_body_file())
        ngx.say(file:read("*a"), ngx.req.get_body_data(), ngx.var.http_content_length)
        file:close()
    """
    async with serving(lua, flavour) as app:
        refused, memory, file = _lines(await app.request(_post(b"x")))
        assert refused.endswith("request_body not initialized")
        assert (memory, file) == ("hello5", "hello!nil6")


async def test_a_draft_that_is_never_finished_leaves_no_file(flavour, tmp_path):
    lua = "ngx.req.read_body() ngx.req.init_body(0) ngx.req.append_body('x') ngx.say(1)"
    async with serving(lua, flavour, client_body_temp_path=tmp_path) as app:
        assert await app.say() == ["1"]
        assert list(tmp_path.iterdir()) == []
