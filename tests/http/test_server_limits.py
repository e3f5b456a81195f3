"""Limits of request heads and bodies, on every flavour.

The expected pages are nginx's; test_server_differential compares them with it.
"""

import pytest
from server_wire import chunked, command, open_peer, parse, request, wire

import resty_py
from resty_py.vm import FLAVOURS

each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)

HELLO = "ngx.say('hello')"
READ = "ngx.req.read_body() ngx.say(#(ngx.req.get_body_data() or ''))"
SIGNATURE = f"resty-py/{resty_py.__version__}"


def _page(title, heading=None, line=""):
    heading = heading or title
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{heading}</h1></center>\r\n{line}"
        f"<hr><center>{SIGNATURE}</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


TOO_LARGE = _page(
    "400 Request Header Or Cookie Too Large",
    "400 Bad Request",
    "<center>Request Header Or Cookie Too Large</center>\r\n",
)

# name: request, status, page, the beginning of its log line
REFUSED = {
    "no host": (
        b"GET / HTTP/1.1\r\n\r\n",
        400,
        _page("400 Bad Request"),
        (
            'client sent HTTP/1.1 request without "Host" header while reading client '
            'request headers, client: 127.0.0.1, server: , request: "GET / HTTP/1.1"'
        ),
    ),
    "long target": (
        request("GET", "/" + "x" * 8192),
        414,
        _page("414 Request-URI Too Large"),
        "client sent too long URI while reading client request line, client: ",
    ),
    "long header": (
        request("GET", "/", "X: " + "x" * 8192),
        400,
        TOO_LARGE,
        'client sent too long header line: "X: xxxx',
    ),
    "many long headers": (
        request("GET", "/", *(f"X{i}: " + "x" * 4000 for i in range(9))),
        400,
        TOO_LARGE,
        'client sent too long header line: "X',
    ),
    "unknown coding": (
        request("POST", "/", "Transfer-Encoding: gzip"),
        501,
        _page("501 Not Implemented"),
        'client sent unknown "Transfer-Encoding": "gzip" while reading client ',
    ),
    "other version": (
        request(version="2.0"),
        505,
        _page("505 HTTP Version Not Supported"),
        "client sent invalid version while reading client request line, client: ",
    ),
}


@each_flavour
@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused(flavour, tmp_path, name):
    data, status, page, line = REFUSED[name]
    async with wire(HELLO, tmp_path, flavour) as server:
        (answer,) = await server.ask(data)
        assert (answer.status, answer.body) == (status, page)
        assert answer["Server"] == SIGNATURE
        assert answer["Content-Type"] == "text/html"
        assert answer["Connection"] == "close"
        (logged,) = server.log
        assert logged.startswith(f"info: {line}")


@each_flavour
async def test_other_sizes_of_heads(flavour, tmp_path):
    sizes = {
        "client_header_buffer_size": "100",
        "large_client_header_buffers": "2 200",
    }
    close = "Connection: close"
    async with wire(HELLO, tmp_path, flavour, **sizes) as server:
        for length, target_status, header_status in (150, 200, 200), (210, 414, 400):
            (answer,) = await server.ask(request("GET", "/" + "x" * length, close))
            assert answer.status == target_status
            (answer,) = await server.ask(
                request("GET", "/", "X: " + "x" * length, close)
            )
            assert answer.status == header_status


@each_flavour
async def test_a_thousand_headers(flavour, tmp_path):
    lua = """
        local n = 0
        for name, value in pairs(ngx.req.get_headers(0)) do
            n = n + (name == "x" .. value and 1 or 0)
        end
        ngx.say(n)
    """
    lines = [f"X{i}: {i}" for i in range(998)]
    sizes = {"large_client_header_buffers": "4 32k"}
    async with wire(lua, tmp_path, flavour, **sizes) as server:
        (answer,) = await server.ask(request("GET", "/", "Connection: close", *lines))
        assert answer.body == b"998\n"
        (answer,) = await server.ask(
            request("GET", "/", "Connection: close", "One: more", *lines)
        )
        assert (answer.status, answer.body) == (400, TOO_LARGE)


@each_flavour
async def test_client_max_body_size(flavour, tmp_path):
    sizes = {"client_max_body_size": "10"}
    page = _page("413 Request Entity Too Large")
    coding = "Transfer-Encoding: chunked"
    async with wire(READ, tmp_path, flavour, **sizes) as server:
        for data, size in (
            (request("POST", "/", "Connection: close", body=b"x" * 10), b"10\n"),
            (request("POST", "/", "Connection: close", coding) + chunked(b"x" * 10),
             b"10\n"),
        ):  # fmt: skip
            (answer,) = await server.ask(data)
            assert answer.body == size
        assert server.log == []
        for data in (
            request("POST", "/", body=b"x" * 11),
            request("POST", "/", coding) + chunked(b"x" * 11),
            request("POST", "/", coding) + chunked(b"x" * 6, b"x" * 5),
        ):
            (answer,) = await server.ask(data)
            assert (answer.status, answer.body) == (413, page)
            assert answer["Connection"] == "close"
        said = [line.partition(", client: ")[0] for line in server.log]
        assert said == [
            "error: client intended to send too large body: 11 bytes",
            "error: client intended to send too large chunked body: 0+11 bytes",
            "error: client intended to send too large chunked body: 6+5 bytes",
        ]


@each_flavour
async def test_no_client_max_body_size(flavour, tmp_path):
    sizes = {"client_max_body_size": "0", "client_body_buffer_size": "4m"}
    data = request("POST", "/", "Connection: close", body=b"x" * 3_000_000)
    async with wire(READ, tmp_path, flavour, **sizes) as server:
        (answer,) = await server.ask(data)
        assert answer.body == b"3000000\n"


@each_flavour
async def test_server_tokens(flavour, tmp_path):
    async with wire("ngx.exit(404)", tmp_path, flavour, server_tokens="off") as server:
        (answer,) = await server.ask(request("GET", "/", "Connection: close"))
        assert answer["Server"] == "resty-py"
        assert b"<hr><center>resty-py</center>" in answer.body


async def _ask(address, data):
    async with open_peer(address) as peer:
        await peer.send(data)
        return parse(await peer.rest())


async def test_limits_by_set(tmp_path):
    app = tmp_path / "app.lua"
    app.write_text(READ)
    options = ["--set", "client_max_body_size=10", "--set", "keepalive_requests=1"]
    with command(app, *options) as (address, _):
        (answer,) = await _ask(address, request("POST", "/", body=b"x" * 10))
        assert (answer.body, answer["Connection"]) == (b"10\n", "close")
        (answer,) = await _ask(address, request("POST", "/", body=b"x" * 11))
        assert answer.status == 413
