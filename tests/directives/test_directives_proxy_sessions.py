"""proxy_ssl_session_reuse: TLS sessions with upstreams."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest
import trustme
from conversation import get, in_turn
from directive_pair import Pair, case

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("up.example", "other.example")


def resumed(conf, *talks):
    """Return a case of two requests, the second of which may resume a session."""
    return case(
        f"location / {{ proxy_pass https://up_NAME; {conf} }}", *(talks or ("/", "/"))
    )


NAMED = "proxy_ssl_server_name on; proxy_ssl_name $arg_name;"

VERIFIED = """proxy_ssl_verify on; proxy_ssl_name up.example;
    proxy_ssl_trusted_certificate PREFIX/tls/ca.pem;"""

CASES = {
    "resumed": resumed("", "/", "/", "/"),
    "off": resumed("proxy_ssl_session_reuse off;"),
    "older": resumed("proxy_ssl_protocols TLSv1.2;"),
    "older_off": resumed("proxy_ssl_protocols TLSv1.2; proxy_ssl_session_reuse off;"),
    "verified": resumed(VERIFIED),
    "named": resumed(NAMED, "/?name=up.example", "/?name=up.example"),
    "one_client": resumed("", in_turn(get("/"), get("/"))),
    "closed_early": resumed("", "/early", "/"),
}

HTTP = "".join(f"upstream up_{name} {{ server 127.0.0.1:PORT8; }}" for name in CASES)


def _serve(sock: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), context.wrap_socket(sock, server_side=True) as s:
        request = s.recv(1 << 16)
        if request.startswith(b"GET /early"):
            return
        body = b"resumed\n" if s.session_reused else b"full\n"
        s.sendall(
            b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock, _ = listener.accept()
            sock.settimeout(5)
            args = (sock, context)
            threading.Thread(target=_serve, args=args, daemon=True).start()


@contextlib.contextmanager
def tls_peer(ports):
    """Tell on PORT8 how hands were shaken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(context)
    address = ("127.0.0.1", ports["PORT8"])
    with socket.create_server(address, reuse_port=True) as listener:
        thread = threading.Thread(target=_accept, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


FILES = {"tls/ca.pem": AUTHORITY.cert_pem.bytes()}

PAIR = Pair(CASES, http=HTTP, files=FILES, beside=tls_peer)

#: Locations that share an upstream block, but neither name nor trust.
APART = Pair(
    {
        "names": resumed(NAMED, "/?name=up.example", "/?name=other.example"),
        "trust": case(
            "location / { proxy_pass https://up_trust; }"
            f" location /verified {{ proxy_pass https://up_trust; {VERIFIED} }}",
            "/", "/verified", "/verified",
        ),
    },
    http="upstream up_names { server 127.0.0.1:PORT8; }"
    " upstream up_trust { server 127.0.0.1:PORT8; }",
    files=FILES,
    beside=tls_peer,
)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua55"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)


@pytest.mark.parametrize(
    ("name", "handshakes"),
    [("names", ["full", "full"]), ("trust", ["full", "full", "resumed"])],
)
def test_nothing_is_resumed_that_was_agreed_on_otherwise(name, handshakes):
    answers = APART.actual(name).answers
    assert [answer[-2] for answer in answers] == handshakes
