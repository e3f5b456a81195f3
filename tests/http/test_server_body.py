"""Request bodies on the wire, however they come, on every flavour.

Which answers a body gets is compared with nginx in test_server_differential.
"""

import pytest
import trio
from server_wire import chunked, parse, request, wire
from trio.testing import MockClock

from resty_py.vm import FLAVOURS

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

READ = """
    ngx.req.read_body()
    local path = ngx.req.get_body_file()
    local file = path and io.open(path, "rb")
    ngx.print(path and "file " or "memory ",
              file and file:read("*a") or ngx.req.get_body_data())
    if file then file:close() end
"""
IGNORE = "ngx.say(ngx.var.uri)"
NEXT = request("GET", "/next", "Connection: close")
CHUNKED = "Transfer-Encoding: chunked"

# 2000 bytes in which no two neighbours are alike, so that a shift shows.
DATA = bytes(33 + i * 7 % 90 for i in range(2000))
SMALL = {"client_body_buffer_size": "1k"}

BODIES = {
    "counted": request("POST", "/", body=DATA[:300]),
    "chunked": request("POST", "/", CHUNKED) + chunked(DATA[:50], DATA[50:300]),
    "trailer": request("POST", "/", CHUNKED)
    + chunked(DATA[:300], end=b"0;a=b\r\nTrailer: x\r\n\r\n"),
}
LARGE = {
    "counted": request("POST", "/", body=DATA),
    "chunked": request("POST", "/", CHUNKED) + chunked(DATA[:1500], DATA[1500:]),
}


@pytest.fixture
def clock():
    return MockClock(autojump_threshold=0.01)


each_body = pytest.mark.parametrize("kind", BODIES)
each_large = pytest.mark.parametrize("kind", LARGE)


@each_body
async def test_a_body_in_one_piece(flavour, tmp_path, kind):
    async with wire(READ, tmp_path, flavour) as server:
        body, last = await server.ask(BODIES[kind] + NEXT)
        assert body.body == b"memory " + DATA[:300]
        assert last.body == b"memory nil"


@each_body
async def test_a_body_byte_by_byte(flavour, tmp_path, kind):
    async with wire(READ, tmp_path, flavour) as server, server.client() as peer:
        await peer.drip(BODIES[kind])
        assert (await peer.answer()).body == b"memory " + DATA[:300]
        await peer.send(NEXT)
        assert (await peer.answer()).body == b"memory nil"


@each_large
async def test_a_large_body_byte_by_byte(flavour, tmp_path, kind):
    store = tmp_path / "bodies"
    store.mkdir()
    settings = SMALL | {"client_body_temp_path": str(store)}
    async with (
        wire(READ, tmp_path, flavour, **settings) as server,
        server.client() as peer,
    ):
        await peer.drip(LARGE[kind][:-1])
        assert len(list(store.iterdir())) == 1
        await peer.send(LARGE[kind][-1:])
        assert (await peer.answer()).body == b"file " + DATA
        await peer.send(NEXT)
        assert (await peer.answer()).body == b"memory nil"
        assert list(store.iterdir()) == []


@pytest.mark.parametrize("end", ["", "ngx.exit(404)", "ngx.exit(444)", "error('x')"])
async def test_the_file_of_a_body_goes_with_its_request(flavour, tmp_path, end):
    store = tmp_path / "bodies"
    store.mkdir()
    settings = SMALL | {"client_body_temp_path": str(store)}
    async with wire(f"ngx.req.read_body() {end}", tmp_path, flavour, **settings) as one:
        await one.exchange(request("POST", "/", "Connection: close", body=DATA))
        assert sum("is buffered to a temporary file" in line for line in one.log) == 1
        assert list(store.iterdir()) == []


@each_large
async def test_a_client_that_leaves_in_a_body(flavour, tmp_path, kind):
    store = tmp_path / "bodies"
    store.mkdir()
    settings = SMALL | {"client_body_temp_path": str(store)}
    async with wire(READ, tmp_path, flavour, **settings) as server:
        async with server.client() as peer:
            await peer.send(LARGE[kind][:-100])
            await peer.end()
            assert await peer.rest() == b""
        assert "info: client prematurely closed connection, client: " in server.log[-1]
        assert list(store.iterdir()) == []
        server.worker.stop()
        await server.worker.wait_stopped()
    assert (tmp_path / "access.log").read_text().endswith(' 400 0 "-" "-"\n')


@each_body
async def test_a_body_that_nobody_reads_is_not_the_next_request(
    flavour, tmp_path, kind
):
    async with wire(IGNORE, tmp_path, flavour) as server:
        first, last = await server.ask(BODIES[kind] + NEXT)
        assert (first.body, last.body) == (b"/\n", b"/next\n")


@each_body
async def test_a_body_that_nobody_reads_may_come_late(flavour, tmp_path, kind):
    head, _, body = BODIES[kind].partition(b"\r\n\r\n")
    async with wire(IGNORE, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(head + b"\r\n\r\n")
        assert (await peer.answer()).body == b"/\n"
        await peer.drip(body)
        await peer.send(NEXT)
        assert (await peer.answer()).body == b"/next\n"


async def test_a_bad_body_that_nobody_reads(flavour, tmp_path):
    """Its line is not one of the log phase, though the request has been logged."""
    async with wire(IGNORE, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("POST", "/", CHUNKED))
        assert (await peer.answer()).body == b"/\n"
        await peer.send(b"zz\r\n")
        assert await peer.rest() == b""
        (line,) = server.severe
        assert line.startswith("error: client sent invalid chunked body, client: ")


async def test_a_large_body_that_nobody_reads(flavour, tmp_path):
    body = b"GET /wrong HTTP/1.1\r\nHost: t\r\n\r\n" * 20_000
    async with wire(IGNORE, tmp_path, flavour, client_max_body_size="1m") as server:
        first, last = await server.ask(request("POST", "/", body=body) + NEXT)
        assert (first.body, last.body) == (b"/\n", b"/next\n")


async def test_a_client_is_told_to_go_on_when_the_body_is_read(flavour, tmp_path):
    lua = "ngx.sleep(0.001) ngx.req.read_body() ngx.say(ngx.req.get_body_data())"
    head = request("POST", "/", "Content-Length: 5", "Expect: 100-continue")
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(head)
        assert await peer.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert peer.data == b""
        await peer.send(b"hello")
        assert (await peer.answer()).body == b"hello\n"


async def test_a_refused_client_is_not_told_to_go_on(flavour, tmp_path):
    head = request("POST", "/", "Content-Length: 5", "Expect: 100-continue")
    async with wire("ngx.exit(403)", tmp_path, flavour) as server:
        async with server.client() as peer:
            await peer.send(head)
            assert (await peer.until(b"\r\n")) == b"HTTP/1.1 403 Forbidden\r\n"


@pytest.mark.parametrize(
    "head",
    [
        request("POST", "/", "Content-Length: 8000000"),
        request("POST", "/", CHUNKED) + b"7a1200\r\n",
    ],
    ids=["counted", "chunked"],
)
async def test_a_client_that_sends_on_after_413_reads_the_answer(
    flavour, tmp_path, head
):
    async with wire(READ, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(head)
        for _ in range(80):
            await peer.stream.send_all(b"x" * 100_000)
        (answer,) = parse(await peer.rest())
        assert (answer.status, answer["Connection"]) == (413, "close")


async def _trickle(peer):
    while True:
        await peer.send(b"x")
        await trio.sleep(1)


async def test_lingering_time(flavour, tmp_path, clock):
    settings = {"client_max_body_size": "10"}
    async with (
        wire(READ, tmp_path, flavour, **settings) as server,
        server.client() as peer,
    ):
        await peer.send(request("POST", "/", "Content-Length: 1000"))
        assert parse(await peer.rest())[0].status == 413
        start = trio.current_time()
        server.worker.stop()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trickle, peer)
            await server.worker.wait_stopped()
            nursery.cancel_scope.cancel()
        assert trio.current_time() - start == pytest.approx(30, abs=1.5)


async def test_lingering_timeout(flavour, tmp_path, clock):
    settings = {"client_max_body_size": "10"}
    async with (
        wire(READ, tmp_path, flavour, **settings) as server,
        server.client() as peer,
    ):
        await peer.send(request("POST", "/", "Content-Length: 1000"))
        await peer.rest()
        start = trio.current_time()
        server.worker.stop()
        await server.worker.wait_stopped()
        assert trio.current_time() - start == pytest.approx(5, abs=0.5)


async def test_client_body_timeout_is_between_two_reads(flavour, tmp_path, clock):
    async with wire(READ, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("POST", "/", "Content-Length: 5"))
        for byte in b"hell":
            await trio.sleep(55)
            await peer.send(bytes([byte]))
        start = trio.current_time()
        assert await peer.rest() == b""
        assert trio.current_time() - start == pytest.approx(60, abs=0.5)
    assert (tmp_path / "access.log").read_text().endswith(' 408 0 "-" "-"\n')


async def test_a_body_that_nobody_reads_does_not_come(flavour, tmp_path, clock):
    async with wire(IGNORE, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("POST", "/", "Content-Length: 5"))
        assert (await peer.answer()).body == b"/\n"
        start = trio.current_time()
        assert await peer.rest() == b""
        assert trio.current_time() - start == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize(
    ("rest", "status"), [(b"zz\r\n", 400), (b"7a1200\r\n", 413)], ids=["bad", "large"]
)
async def test_a_body_that_is_refused_after_a_wait(flavour, tmp_path, rest, status):
    """What is there ends where a read does: the next one finds nothing yet."""
    opened = trio.Event()
    lua = 'require("resty_py.host").call("gate") ' + READ
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        server.worker.provide("gate", opened.wait)
        await peer.send(request("POST", "/", CHUNKED))
        await peer.stream.send_all(b"10000\r\n".ljust(2**16, b"x"))
        await trio.testing.wait_all_tasks_blocked()
        opened.set()
        await trio.testing.wait_all_tasks_blocked()
        await peer.stream.send_all(b"x" * 7 + b"\r\n" + rest)
        (answer,) = parse(await peer.rest())
        assert answer.status == status


async def test_a_bad_body_does_not_end_a_response_as_if_it_were_whole(
    flavour, tmp_path
):
    lua = "ngx.say('early') ngx.flush(true) ngx.req.read_body() ngx.say('late')"
    async with wire(lua, tmp_path, flavour) as server, server.client() as peer:
        await peer.send(request("POST", "/", "Transfer-Encoding: chunked"))
        await peer.until(b"6\r\nearly\n\r\n")
        await peer.send(b"zz\r\n")
        assert await peer.rest() == b""
        assert "client sent invalid chunked body" in server.severe[0]
