"""What proxies say of clients before these say anything: listen proxy_protocol."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct

import pytest
import trustme
from conversation import WAIT, get, raw
from directive_pair import SHUT, Pair, case, sleep

REQUEST = get("/").last()

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PORTS = struct.pack(">HH", 1111, 22)
IPV4 = bytes(range(1, 9)) + PORTS
IPV6 = bytes(15) + b"\1" + bytes.fromhex("20010db8") + bytes(12) + PORTS


def v2(body=b"", *, version=0x21, family=0x11, size=None):
    """Return a header of version 2; the numbers are those of its bytes."""
    size = len(body) if size is None else size
    return SIGNATURE + struct.pack(">BBH", version, family, size) + body


def tlv(size):
    """Return what may follow addresses."""
    return struct.pack(">BH", 4, size) + b"x" * size


#: Headers that a request follows at once.
WHOLE = (
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 22\r\n",
    b"PROXY TCP6 ::1 2001:db8::1 1111 22\r\n",
    b"PROXY TCP6 1.2.3.4 5.6.7.8 1 65535\r\n",
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN foo\rbar\nbaz\r\n",
    b"PROXY UNKNOWNxx " + b"1" * 300 + b"\r\n",
    b"PROXY UNKNOWN " + b"1" * 1200 + b"\r\n",
    b"PROXY TCP4 abc:def ... 1 2\r\n",
    b"PROXY TCP4 1.2.3.x 5.6.7.8 1 2\r\n",
    b"PROXY TCP4  5.6.7.8 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 0001 00002\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 1\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8  1\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 -1 1\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 1\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 1\rx",
    b"PROXY TCP4 " + b"1" * 60 + b" " + b"2" * 60 + b" 1 1\r\n",
    b"PROXY TCP5 1.2.3.4 5.6.7.8 1 1\r\n",
    b"PROXY UDP4 1.2.3.4 5.6.7.8 1 1\r\n",
    b"proxy TCP4 1.2.3.4 5.6.7.8 1 1\r\n",
    b"PROX\0Y abc\r\n",
    b"PROXY UNKNOWN\r\n" * 2,
    b"",
    v2(IPV4),
    v2(IPV6, family=0x21),
    v2(IPV4 + tlv(500)),
    v2(IPV4 + tlv(990)),
    v2(IPV4 + tlv(1000)),
    v2(version=0x20, family=0),
    v2(IPV4, version=0x20),
    v2(IPV4, version=0x22),
    v2(IPV4, version=0x11),
    v2(IPV4, version=0x31),
    v2(IPV4, family=0x12),
    v2(bytes(216), family=0x31),
    v2(family=0),
    v2(IPV4[:8]),
    v2(IPV6[:20], family=0x21),
)

#: Headers that are cut.
PARTS = (
    b"PROXY ", b"PROXY TCP4 1.2.3.4 ", b"PROXY UNKNOWN foo", v2(IPV4)[:12],
    v2(IPV4)[:14], v2(IPV4)[:16], v2(IPV4)[:20], v2(IPV4, size=400),
)  # fmt: skip

SHOWN = (
    "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|"
    "$proxy_protocol_server_port|$remote_addr|$port|$realip_remote_addr"
)
TRUSTED = "set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;"

V1 = WHOLE[0]


def proxied(conf, *talks, port="127.0.0.1:PORT2", more=""):
    """Return a case whose server is behind a proxy; bytes come before a request."""
    return case(
        f"{conf} location / {{ return 200 '{SHOWN}'; }}",
        *(raw("", one + REQUEST) if isinstance(one, bytes) else one for one in talks),
        listen=f"listen {port} proxy_protocol {more};", to=port,
    )  # fmt: skip


CASES = {
    "whole": proxied("", *WHOLE),
    "cut": proxied("", *(raw("", one) for one in PARTS)),
    "ended": proxied(
        "", *(raw("", one, SHUT) for one in (WHOLE[3], v2(IPV4))), raw("", SHUT)
    ),
    "in_two_pieces": proxied(
        "", raw("", V1, sleep(0.05), REQUEST),
        raw("", V1 + REQUEST[:9], sleep(0.05), REQUEST[9:]),
        raw("", V1[:9], sleep(0.05), V1[9:] + REQUEST),
    ),
    "pipelined": proxied("", raw("", V1 + get("/").data() * 2 + REQUEST)),
    "real_ip": proxied(TRUSTED, *WHOLE[:12], v2(IPV4), v2(IPV6, family=0x21)),
    "real_ip_not_trusted": proxied(
        "set_real_ip_from 10.0.0.0/8; real_ip_header proxy_protocol;", V1
    ),
    "real_ip_of_a_header": proxied(
        "set_real_ip_from 127.0.0.1;",
        raw("", V1 + get("/", "X-Real-IP: 9.9.9.9").last()),
    ),
    "real_ip_again": proxied(
        TRUSTED, raw("", V1 + get("/").data() + get("/a").data() + REQUEST)
    ),
    "allowed": proxied(f"{TRUSTED} allow 1.2.3.4; deny all;", V1, WHOLE[2], WHOLE[1]),
    "lua": case(
        "location / { access_by_lua_block { ngx.ctx.a = ngx.var.proxy_protocol_port }"
        " content_by_lua_block { local v = ngx.var"
        " ngx.say(ngx.ctx.a, v.proxy_protocol_addr, v.proxy_protocol_server_addr,"
        " v.proxy_protocol_server_port, v.proxy_protocol_tlv_alpn)"
        " ngx.say(ngx.location.capture('/s').body) } }"
        " location /s { echo $proxy_protocol_addr; }",
        raw("", V1 + REQUEST), raw("", v2(version=0x20) + REQUEST),
        listen="listen 127.0.0.1:PORT2 proxy_protocol;", to="127.0.0.1:PORT2",
    ),
    "without_names": proxied(
        "", raw("", V1 + b"GET / HTTP/1.1\r\n\r\n"), raw("", V1 + b"GET /\r\n"),
    ),
    "logged": proxied(
        "access_log logs/NAME.log own; error_log logs/NAME.err info;", V1
    ),
    "unix": proxied(
        "", V1, v2(IPV6, family=0x21), b"", port="unix:PREFIX/NAME.sock",
    ),
    "unix_real_ip": proxied(
        "set_real_ip_from unix:; real_ip_header proxy_protocol; allow 1.2.3.4;"
        " deny all;",
        V1, v2(IPV4), v2(IPV6, family=0x21), WHOLE[3], port="unix:PREFIX/NAME.sock",
    ),
    "header_buffer": proxied(
        "client_header_buffer_size 64;", WHOLE[5], v2(IPV4 + tlv(60)),
        v2(IPV4 + tlv(20)), port="127.0.0.1:PORT3",
    ),
    "said_once": case(
        f"location / {{ return 200 '{SHOWN}'; }}", raw("", V1 + REQUEST),
        raw("", REQUEST), to="127.0.0.1:PORT4",
        listen="listen 127.0.0.1:PORT4;",
    ),
    "said_elsewhere": case(
        f"location / {{ return 200 '{SHOWN}'; }}", raw("", V1 + REQUEST),
        listen="listen 127.0.0.1:PORT4 proxy_protocol backlog=5;",
        to="127.0.0.1:PORT4",
    ),
    "by_address": proxied("", V1, b"", port="127.0.0.2:PORT5"),
    "any_address": case(
        f"location / {{ return 200 '{SHOWN}'; }}", raw("", V1 + REQUEST), "/",
        listen="listen *:PORT5;", to="127.0.0.1:PORT5",
    ),
    "silent": proxied(
        "client_header_timeout 400ms;", raw("", WAIT), raw("", V1),
        raw("", V1 + REQUEST[:9]), port="127.0.0.1:PORT6",
    ),
    "overtls": case(
        "ssl_certificate PREFIX/tls/cert.pem; ssl_certificate_key PREFIX/tls/key.pem;"
        " client_header_timeout 400ms;"
        f" location / {{ return 200 '$scheme {SHOWN}\n'; }}",
        raw("", V1 + REQUEST), raw("", REQUEST), raw("", V1), raw("", V1, SHUT),
        raw("", SHUT), raw("", WAIT), raw("", v2(IPV4 + tlv(100)) + REQUEST),
        raw("", v2(IPV4)[:14]),
        listen="listen 127.0.0.1:PORT7 ssl proxy_protocol;", to="127.0.0.1:PORT7",
    ),
}  # fmt: skip

HTTP = (
    f"log_format own '{SHOWN}'; map $remote_port $port {{ '' ''; ~^.?.?.?.?$ "
    "$remote_port; default own; }"
)


def speak_tls(header, port):
    """Return what a server answers over TLS behind a header."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(header)
        with context.wrap_socket(sock, server_hostname="overtls") as secured:
            secured.sendall(get("/").last().replace(b"localhost", b"overtls"))
            with contextlib.suppress(ssl.SSLEOFError):
                while data := secured.recv(4096):
                    answer += data
    return answer.partition(b"\r\n\r\n")[2]


def look(_process, ports):
    """Return what both versions get over TLS."""
    headers = (V1, WHOLE[3], v2(IPV4), v2(IPV6 + tlv(40), family=0x21))
    return [speak_tls(header, ports["PORT7"]) for header in headers]


def certificate():
    made = trustme.CA().issue_cert("overtls")
    return {
        "tls/cert.pem": made.cert_chain_pems[0].bytes(),
        "tls/key.pem": made.private_key_pem.bytes(),
    }


PAIR = Pair(CASES, http=HTTP, files=certificate(), look=look)

FLAVOURS = ("luajit21", "lua51", "lua54")


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", FLAVOURS[1:])
@pytest.mark.parametrize("name", ["whole", "real_ip", "overtls"])
def test_on_other_flavours(name, flavour):
    PAIR.check(name, flavour)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_handshakes_come_after_it(flavour):
    answers = PAIR.seen(flavour)
    assert answers == PAIR.seen("nginx")
    assert answers[0].startswith(b"https 1.2.3.4|1111|5.6.7.8|22|127.0.0.1|")


def failures(server):
    """Return what a server says of connections on which nothing was asked."""
    return [line for line in PAIR.rest(server) if "client: " in line]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_wrong_is_logged(flavour):
    theirs = failures("nginx")
    assert failures(flavour) == theirs
    assert sum("broken header" in line for line in theirs) > 20
