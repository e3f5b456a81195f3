"""resolver and resolver_timeout, with a nameserver that tells what it was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from conversation import WAIT, get, raw
from directive_pair import Pair, case, sleep

#: Names and the TTL of their addresses.
TTLS = {"short": 1, "long": 60, "kept": 1, "brief": 60, "none": 0, "moving": 1}

ASKS = """content_by_lua_block {
    local args = ngx.req.get_uri_args()
    for i = 1, tonumber(args.n or 1) do
        if i > 1 then ngx.sleep(2.5) end
        local sock = ngx.socket.tcp()
        ngx.say(sock:connect(args.host, ngx.var.server_port))
        sock:close()
    end
}"""


class Nameserver:
    """Answers A and AAAA queries and counts them by name and type.

    Names that begin with ``silent`` get no answer, with ``missing`` NXDOMAIN,
    with ``broken`` SERVFAIL; those with ``moving`` have another address each time.
    """

    def __init__(self) -> None:
        self.asked: list[Counter[str]] = []

    @contextlib.contextmanager
    def running(self, ports):
        self.asked.append(Counter())
        with contextlib.ExitStack() as stack:
            for name in ("PORT8", "PORT9"):
                sock = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                sock.bind(("127.0.0.1", ports[name]))
                thread = threading.Thread(target=self._serve, args=(sock, name))
                thread.start()
                stack.callback(thread.join)
                stack.callback(sock.sendto, b"", sock.getsockname())
            yield

    def _serve(self, sock, port):
        while True:
            data, client = sock.recvfrom(512)
            if not data:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name = question.name.to_text(omit_final_dot=True)
            kind = dns.rdatatype.to_text(question.rdtype)
            key = f"{name} {kind} {port}"
            self.asked[-1][key] += 1
            number = self.asked[-1][key] if name.startswith("moving") else 1
            if not name.startswith("silent"):
                answer = _answer(query, question, name, f"127.0.0.{number}")
                sock.sendto(answer.to_wire(), client)


def _answer(query, question, name, address):
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    if name.startswith("missing"):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif name.startswith("broken"):
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif question.rdtype == dns.rdatatype.A:
        ttl = TTLS.get(name.partition(".")[0], 60)
        answer.answer.append(
            dns.rrset.from_text(question.name, ttl, "IN", "A", address)
        )
    return answer


def asks(directives, *targets, **more):
    talks = (raw("ask", get(target).last()) for target in targets)
    return case(f"location / {{ {directives} {ASKS} }}", *talks, timed=True, **more)


NS, OTHER = "127.0.0.1:PORT9", "127.0.0.1:PORT8"

CASES = {
    "found": asks(f"resolver {NS};", "/?host=found.test", "/?host=FOUND2.test"),
    "missing": asks(f"resolver {NS};", "/?host=missing.test", "/?host=broken.test"),
    "inherited": asks("", "/?host=inherited.test"),
    "of_location": asks(f"resolver {OTHER};", "/?host=other.test"),
    "in_server": case(
        f"resolver {OTHER}; location / {{ {ASKS} }}", raw("ask",
        get("/?host=server.test").last())
    ),
    "without_ipv6": asks(f"resolver {NS} ipv6=off;", "/?host=four.test"),
    "with_ipv6": asks(f"resolver {NS} ipv6=on;", "/?host=both.test"),
    "ttl_passes": asks(f"resolver {NS} ipv6=off;", "/?host=short.test&n=2"),
    "ttl_lasts": asks(f"resolver {NS} ipv6=off;", "/?host=long.test&n=2"),
    "valid_is_longer": asks(
        f"resolver {NS} ipv6=off valid=60s;", "/?host=kept.test&n=2"
    ),
    "valid_is_shorter": asks(
        f"resolver {NS} ipv6=off valid=1s;", "/?host=brief.test&n=2"
    ),
    "timeout": asks(f"resolver {NS}; resolver_timeout 1s;", "/?host=silent1.test"),
    "timeout_of_location": case(
        f"resolver {NS}; resolver_timeout 30s; location / {{ resolver_timeout"
        f" 1500ms; {ASKS} }}",
        raw("ask", get("/?host=silent2.test").last()), timed=True,
    ),
    "proxied": case(
        f"resolver {NS} ipv6=off; location / {{ proxy_pass http://$arg_host:PORT7; }}",
        raw("moves", get("/?host=moving.test").data(), WAIT, sleep(2.5),
            get("/?host=moving.test").last()),
        raw("missing", get("/?host=missing2.test").last()), timed=True,
    ),
    "timer": case(
        f"location / {{ resolver {OTHER}; content_by_lua_block {{"
        " local port = ngx.var.server_port ngx.timer.at(0, function() local sock ="
        " ngx.socket.tcp() ngx.log(ngx.WARN, sock:connect('timer.test', port)) end)"
        " ngx.sleep(0.3) ngx.say('ok') } }",
    ),
}  # fmt: skip

NAMESERVER = Nameserver()

PAIR = Pair(
    CASES,
    http=f"resolver {NS}; server {{ listen PORT7; return 200 $server_addr; }}",
    beside=NAMESERVER.running,
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_the_same_is_asked():
    """But for queries that are sent again, and the order of types."""
    for name in CASES:
        PAIR.check(name)
    theirs, ours = NAMESERVER.asked[:2]
    # Names without an answer are asked again by a random clock.
    drop = [name for name in theirs + ours if name.startswith(("silent", "broken"))]
    for name in drop:
        theirs.pop(name, None)
        ours.pop(name, None)
    assert ours == theirs
