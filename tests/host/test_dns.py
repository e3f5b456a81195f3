"""Name resolution, against a nameserver of our own and a fake libc.

What nginx 1.22.1 answers to the same records is the expected text.
"""

import resource
import socket

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
import trio
from trio.testing import MockClock

from resty_py.host.dns import (
    CACHE_ENTRIES,
    RESEND_TIMEOUT,
    AddressCache,
    Resolver,
    parse_nameserver,
)
from resty_py.vm import HostError

A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


class Nameserver:
    """Answers from ``zone``: (name, type) to an rcode, records or None (silence)."""

    def __init__(self):
        self.zone = {}
        self.asked = []
        self.truncates = False
        self.gate = None

    async def start(self, nursery):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.address = "{}:{}".format(*listeners[0].socket.getsockname())
        udp_socket = trio.socket.socket(type=socket.SOCK_DGRAM)
        await udp_socket.bind(listeners[0].socket.getsockname())
        nursery.start_soon(self.serve_udp, udp_socket)
        nursery.start_soon(trio.serve_listeners, self.serve_tcp, listeners)

    async def serve_udp(self, udp_socket):
        with udp_socket:
            while True:
                wire, client = await udp_socket.recvfrom(4096)
                if self.gate is not None:
                    await self.gate.wait()
                response = self.answer(dns.message.from_wire(wire))
                if response is not None:
                    await udp_socket.sendto(self.cut(response).to_wire(), client)

    def cut(self, response):
        if self.truncates:
            response.answer.clear()
            response.flags |= dns.flags.TC
        return response

    async def serve_tcp(self, stream):
        size = int.from_bytes(await stream.receive_some(2), "big")
        wire = await stream.receive_some(size)
        await stream.send_all(self.answer(dns.message.from_wire(wire)).to_wire(
            prepend_length=True
        ))  # fmt: skip

    def answer(self, query):
        question = query.question[0]
        key = (question.name.to_text(omit_final_dot=True), question.rdtype)
        self.asked.append(key)
        found = self.zone.get(key, [])
        if found is None:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if isinstance(found, list):
            response.answer = list(found)
        else:
            response.set_rcode(found)
        return response

    def add(self, name, rdtype, *data, ttl=60):
        records = dns.rrset.from_text(f"{name}.", ttl, "IN", rdtype, *data)
        kinds = [A, AAAA] if rdtype == "CNAME" else [dns.rdatatype.from_text(rdtype)]
        for kind in kinds:
            self.zone.setdefault((name, kind), []).append(records)

    def add_chain(self, name, *sets):
        """Answer *name* with rrsets of several owners, as recursive servers do."""
        answer = [dns.rrset.from_text(f"{o}.", t, "IN", r, d) for o, t, r, d in sets]
        self.zone[name, A] = answer
        self.zone[name, AAAA] = [rrset for rrset in answer if rrset.rdtype != A]

    def fail(self, name, code):
        self.zone[name, A] = self.zone[name, AAAA] = code


@pytest.fixture
async def nameserver(nursery):
    server = Nameserver()
    await server.start(nursery)
    return server


@pytest.fixture
def resolver(nameserver):
    return Resolver([nameserver.address])


@pytest.fixture
def clock():
    return MockClock()


@pytest.fixture
def jumping_clock():
    # Not 0: answers of the nameserver are to come before time passes.
    return MockClock(autojump_threshold=0.02)


async def error_of(resolver, name):
    with pytest.raises(HostError) as caught:
        await resolver.resolve(name)
    return str(caught.value)


class TestLiterals:
    @pytest.mark.parametrize(
        ("name", "address"),
        [
            (b"127.0.0.1", (4, b"127.0.0.1")),
            (b"::1", (6, b"::1")),
            (b"[::1]", (6, b"::1")),
            (b"::ffff:1.2.3.4", (6, b"::ffff:1.2.3.4")),
        ],
    )
    async def test_need_no_lookup(self, name, address):
        assert await Resolver().resolve(name) == [address]
        assert await Resolver(["192.0.2.1"]).resolve(name) == [address]


class TestNameservers:
    async def test_addresses_of_both_families(self, nameserver, resolver):
        nameserver.add("two.test", "AAAA", "2001:db8::1")
        nameserver.add("two.test", "A", "192.0.2.7", "192.0.2.8")
        found = await resolver.resolve(b"two.test")
        assert sorted(found[:2]) == [(4, b"192.0.2.7"), (4, b"192.0.2.8")]
        assert found[2:] == [(6, b"2001:db8::1")]

    async def test_ipv6_off(self, nameserver):
        nameserver.add("two.test", "AAAA", "2001:db8::1")
        nameserver.add("two.test", "A", "192.0.2.7")
        resolver = Resolver([nameserver.address], ipv6=False)
        assert await resolver.resolve(b"two.test") == [(4, b"192.0.2.7")]
        assert nameserver.asked == [("two.test", A)]

    async def test_one_family_is_enough(self, nameserver, resolver):
        nameserver.add("six.test", "AAAA", "2001:db8::1")
        assert await resolver.resolve(b"six.test") == [(6, b"2001:db8::1")]

    @pytest.mark.parametrize(
        ("rcode", "text"),
        [
            (dns.rcode.NXDOMAIN, "3: Host not found"),
            (dns.rcode.SERVFAIL, "2: Server failure"),
            (dns.rcode.NOTIMP, "4: Unimplemented"),
            (dns.rcode.REFUSED, "5: Operation refused"),
            (dns.rcode.FORMERR, "1: Format error"),
            (dns.rcode.NOTAUTH, "9: Unknown error"),
        ],
    )
    async def test_errors(self, nameserver, resolver, rcode, text):
        nameserver.fail("bad.test", rcode)
        said = await error_of(resolver, b"bad.test")
        assert said == f"bad.test could not be resolved ({text})"

    async def test_no_records(self, resolver):
        said = await error_of(resolver, b"empty.test")
        assert said == "empty.test could not be resolved (3: Host not found)"

    async def test_failure_of_one_query_is_the_failure(self, nameserver, resolver):
        nameserver.add("half.test", "A", "192.0.2.7")
        nameserver.zone["half.test", AAAA] = dns.rcode.SERVFAIL
        said = await error_of(resolver, b"half.test")
        assert said == "half.test could not be resolved (2: Server failure)"

    async def test_failures_are_not_kept(self, nameserver, resolver):
        await error_of(resolver, b"late.test")
        nameserver.add("late.test", "A", "192.0.2.7")
        assert await resolver.resolve(b"late.test") == [(4, b"192.0.2.7")]

    async def test_case_and_final_dot(self, nameserver, resolver):
        nameserver.add("good.test", "A", "192.0.2.7")
        assert await resolver.resolve(b"GOOD.Test.") == [(4, b"192.0.2.7")]
        said = await error_of(resolver, b"NX.Test.")
        assert said == "nx.test could not be resolved (3: Host not found)"

    @pytest.mark.parametrize("name", [b"a..b", b".", b"a" * 64 + b".test", b"a." * 128])
    async def test_no_domain_name(self, nameserver, resolver, name):
        said = await error_of(resolver, name)
        assert said.endswith(" could not be resolved (3: Host not found)")
        assert nameserver.asked == []

    async def test_bytes_that_are_no_text(self, nameserver, resolver):
        said = await error_of(resolver, b"nx\xff.test")
        assert said == "nx\\xff.test could not be resolved (3: Host not found)"
        assert nameserver.asked[0][0] == "nx\\255.test"

    async def test_no_search_list(self, nameserver, resolver):
        await error_of(resolver, b"localhost")
        assert {name for name, _ in nameserver.asked} == {"localhost"}

    async def test_truncated_answer_is_asked_for_by_tcp(self, nameserver, resolver):
        nameserver.truncates = True
        nameserver.add("long.test", "A", "192.0.2.7")
        assert await resolver.resolve(b"long.test") == [(4, b"192.0.2.7")]
        assert nameserver.asked.count(("long.test", A)) == 2

    async def test_next_nameserver(self, nameserver, nursery):
        other = Nameserver()
        await other.start(nursery)
        other.fail("good.test", dns.rcode.SERVFAIL)
        nameserver.add("good.test", "A", "192.0.2.7")
        for _ in range(4):  # in whatever order they are asked
            resolver = Resolver([other.address, nameserver.address])
            assert await resolver.resolve(b"good.test") == [(4, b"192.0.2.7")]


class TestCnames:
    async def test_chain_in_one_answer(self, nameserver, resolver):
        nameserver.add_chain(
            "www.test",
            ("www.test", 60, "CNAME", "web.test."),
            ("web.test", 60, "CNAME", "host.test."),
            ("host.test", 60, "A", "192.0.2.7"),
        )
        assert await resolver.resolve(b"www.test") == [(4, b"192.0.2.7")]
        assert {name for name, _ in nameserver.asked} == {"www.test"}

    async def test_chain_that_the_nameserver_does_not_follow(
        self, nameserver, resolver
    ):
        nameserver.add("www.test", "CNAME", "web.test.")
        nameserver.add("web.test", "CNAME", "host.test.")
        nameserver.add("host.test", "AAAA", "2001:db8::1")
        assert await resolver.resolve(b"www.test") == [(6, b"2001:db8::1")]

    async def test_loop(self, nameserver, resolver):
        nameserver.add("a.test", "CNAME", "b.test.")
        nameserver.add("b.test", "CNAME", "a.test.")
        said = await error_of(resolver, b"a.test")
        assert said == "a.test could not be resolved (3: Host not found)"

    async def test_alias_without_addresses(self, nameserver, resolver):
        nameserver.add("www.test", "CNAME", "empty.test.")
        said = await error_of(resolver, b"www.test")
        assert said == "www.test could not be resolved (3: Host not found)"


class TestCache:
    async def test_ttl_ends_on_trios_clock(self, nameserver, resolver, clock):
        nameserver.add("good.test", "A", "192.0.2.7", ttl=30)
        await resolver.resolve(b"good.test")
        nameserver.zone.clear()
        nameserver.add("good.test", "A", "192.0.2.8", ttl=30)
        clock.jump(29.9)
        assert await resolver.resolve(b"Good.test") == [(4, b"192.0.2.7")]
        clock.jump(0.1)
        assert await resolver.resolve(b"good.test") == [(4, b"192.0.2.8")]

    async def test_smallest_ttl_of_a_chain(self, nameserver, resolver, clock):
        nameserver.add_chain(
            "www.test",
            ("www.test", 10, "CNAME", "host.test."),
            ("host.test", 60, "A", "192.0.2.7"),
        )
        await self.assert_kept_for(10, b"www.test", nameserver, resolver, clock)

    async def test_smallest_ttl_of_followed_aliases(self, nameserver, resolver, clock):
        nameserver.add("www.test", "CNAME", "host.test.", ttl=10)
        nameserver.add("host.test", "A", "192.0.2.7", ttl=60)
        await self.assert_kept_for(10, b"www.test", nameserver, resolver, clock)

    async def test_smallest_ttl_of_both_families(self, nameserver, resolver, clock):
        nameserver.add("two.test", "A", "192.0.2.7", ttl=60)
        nameserver.add("two.test", "AAAA", "2001:db8::1", ttl=20)
        await self.assert_kept_for(20, b"two.test", nameserver, resolver, clock)

    async def assert_kept_for(self, seconds, name, nameserver, resolver, clock):
        await resolver.resolve(name)
        asked = len(nameserver.asked)
        clock.jump(seconds - 0.5)
        await resolver.resolve(name)
        assert len(nameserver.asked) == asked
        clock.jump(0.5)
        await resolver.resolve(name)
        assert len(nameserver.asked) > asked

    async def test_ttl_0_is_not_kept(self, nameserver, resolver, clock):
        nameserver.add("good.test", "A", "192.0.2.7", ttl=0)
        for _ in range(2):
            await resolver.resolve(b"good.test")
        assert nameserver.asked.count(("good.test", A)) == 2

    async def test_ttl_0_takes_nobodys_place(self, nameserver):
        nameserver.add("kept.test", "A", "192.0.2.7")
        nameserver.add("gone.test", "A", "192.0.2.8", ttl=0)
        cache = AddressCache(limit=1)
        resolver = Resolver([nameserver.address], cache=cache)
        await resolver.resolve(b"kept.test")
        await resolver.resolve(b"gone.test")
        assert cache.get(b"kept.test") == [(4, b"192.0.2.7")]

    async def test_shared_between_resolvers(self, nameserver):
        nameserver.add("good.test", "A", "192.0.2.7")
        cache = AddressCache()
        for _ in range(2):
            await Resolver([nameserver.address], cache=cache).resolve(b"good.test")
        assert nameserver.asked.count(("good.test", A)) == 1

    async def test_oldest_name_makes_room(self):
        cache = AddressCache(limit=2)
        for name in (b"a", b"b", b"b"):
            cache.put(name, [(4, name)], 60)
        assert cache.get(b"a") == [(4, b"a")]
        cache.put(b"c", [(4, b"c")], 60)
        assert cache.get(b"a") is None
        assert cache.get(b"b") == [(4, b"b")]
        assert AddressCache()._limit == CACHE_ENTRIES


class TestTimeouts:
    async def test_silence(self, nameserver, resolver, jumping_clock):
        nameserver.fail("silent.test", None)
        start = trio.current_time()
        said = await error_of(resolver, b"silent.test")
        assert said == "silent.test could not be resolved (110: Operation timed out)"
        assert trio.current_time() - start == pytest.approx(30, abs=0.1)

    async def test_nobody_there(self, jumping_clock):
        with socket.socket(type=socket.SOCK_DGRAM) as unused:
            unused.bind(("127.0.0.1", 0))
            address = "{}:{}".format(*unused.getsockname())
        said = await error_of(Resolver([address]), b"x.test")
        assert said == "x.test could not be resolved (110: Operation timed out)"

    async def test_its_own_timeout(self, nameserver, jumping_clock):
        nameserver.fail("silent.test", None)
        start = trio.current_time()
        resolver = Resolver([nameserver.address], timeout=3)
        said = await error_of(resolver, b"silent.test")
        assert said.endswith("(110: Operation timed out)")
        assert trio.current_time() - start == pytest.approx(3, abs=0.1)

    async def test_lost_query_is_sent_again(self, nameserver, resolver, jumping_clock):
        nameserver.add("good.test", "AAAA", "2001:db8::1")
        nameserver.zone["good.test", A] = None
        start = trio.current_time()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def repair():
                await trio.sleep(1)
                del nameserver.zone["good.test", A]

            assert await resolver.resolve(b"good.test") == [(6, b"2001:db8::1")]
        assert trio.current_time() - start == pytest.approx(RESEND_TIMEOUT, abs=0.5)
        assert nameserver.asked.count(("good.test", A)) == 2


class TestSharing:
    async def test_identical_queries(self, nameserver, resolver, nursery):
        nameserver.add("good.test", "A", "192.0.2.7", ttl=0)
        nameserver.gate = trio.Event()
        found = []

        async def ask(name):
            found.append(await resolver.resolve(name))

        async with trio.open_nursery() as askers:
            for name in (b"good.test", b"GOOD.test", b"good.test."):
                askers.start_soon(ask, name)
            await trio.testing.wait_all_tasks_blocked(0.01)
            nameserver.gate.set()
        assert found == [[(4, b"192.0.2.7")]] * 3
        assert sorted(nameserver.asked) == [("good.test", A), ("good.test", AAAA)]

    async def test_failures_too(self, nameserver, resolver):
        nameserver.gate = trio.Event()
        said = []

        async def ask():
            said.append(await error_of(resolver, b"nx.test"))

        async with trio.open_nursery() as askers:
            for _ in range(3):
                askers.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked(0.01)
            nameserver.gate.set()
        assert said == ["nx.test could not be resolved (3: Host not found)"] * 3
        assert len(nameserver.asked) == 2

    async def test_next_one_takes_over_when_the_first_is_cancelled(
        self, nameserver, resolver
    ):
        nameserver.add("good.test", "A", "192.0.2.7")
        nameserver.gate = trio.Event()
        found = []

        async def ask():
            found.append(await resolver.resolve(b"good.test"))

        async with trio.open_nursery() as askers:
            first = trio.CancelScope()

            @askers.start_soon
            async def ask_in_vain():
                with first:
                    await ask()

            await trio.testing.wait_all_tasks_blocked(0.01)
            for _ in range(2):
                askers.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked(0.01)
            first.cancel()
            await trio.testing.wait_all_tasks_blocked(0.01)
            nameserver.gate.set()
        assert found == [[(4, b"192.0.2.7")]] * 2

    async def test_different_names_do_not_wait(self, nameserver, resolver):
        nameserver.add("good.test", "A", "192.0.2.7")
        nameserver.fail("silent.test", None)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(resolver.resolve, b"silent.test")
                await trio.testing.wait_all_tasks_blocked(0.01)
                assert await resolver.resolve(b"good.test") == [(4, b"192.0.2.7")]
                scope.cancel()


class FakeLibc(trio.abc.HostnameResolver):
    def __init__(self, outcome):
        self.outcome = outcome
        self.calls = []

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        self.calls.append((host, port, family, type, proto, flags))
        await trio.lowlevel.checkpoint()
        if self.outcome is None:
            await trio.sleep_forever()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return [
            (family, type, 6, "", (address, 0) + (0, 0) * (family == socket.AF_INET6))
            for family, address in self.outcome
        ]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


@pytest.fixture
def libc():
    def install(outcome):
        fake = FakeLibc(outcome)
        trio.socket.set_custom_hostname_resolver(fake)
        return fake

    return install


class TestLibc:
    async def test_hosts_file(self):
        assert (4, b"127.0.0.1") in await Resolver().resolve(b"localhost")
        assert await Resolver(ipv6=False).resolve(b"localhost") == [(4, b"127.0.0.1")]

    async def test_out_of_descriptors(self, libc):
        libc(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        text = r"x.test could not be resolved \(24: Too many open files\)"
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
        try:
            with pytest.raises(HostError, match=text):
                await Resolver().resolve(b"x.test")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)

    async def test_ipv4_first(self, libc):
        libc(
            [
                (socket.AF_INET6, "2001:db8::1"),
                (socket.AF_INET, "192.0.2.9"),
                (socket.AF_INET, "192.0.2.7"),
            ]
        )
        assert await Resolver().resolve(b"x.test") == [
            (4, b"192.0.2.9"),
            (4, b"192.0.2.7"),
            (6, b"2001:db8::1"),
        ]

    async def test_asks_every_time(self, libc):
        fake = libc([(socket.AF_INET, "192.0.2.7")])
        resolver = Resolver()
        for _ in range(2):
            await resolver.resolve(b"x.test")
        assert [call[0] for call in fake.calls] == [b"x.test"] * 2

    async def test_ipv6_off(self, libc):
        fake = libc([(socket.AF_INET, "192.0.2.7")])
        await Resolver(ipv6=False).resolve(b"x.test")
        assert fake.calls[0][2] == socket.AF_INET

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            (socket.EAI_NONAME, "3: Host not found"),
            (socket.EAI_NODATA, "3: Host not found"),
            (socket.EAI_AGAIN, "2: Server failure"),
            (socket.EAI_FAIL, "2: Server failure"),
        ],
    )
    async def test_errors(self, libc, code, text):
        libc(socket.gaierror(code, "whatever libc says"))
        said = await error_of(Resolver(), b"X.test.")
        assert said == f"x.test could not be resolved ({text})"

    @pytest.mark.parametrize("name", [b"localhost\0.test", b"no..name", b"a" * 300])
    async def test_no_domain_name(self, name):
        said = await error_of(Resolver(), name)
        assert said.endswith(" could not be resolved (3: Host not found)")

    async def test_timeout(self, libc, jumping_clock):
        libc(None)
        start = trio.current_time()
        said = await error_of(Resolver(), b"slow.test")
        assert said == "slow.test could not be resolved (110: Operation timed out)"
        assert trio.current_time() - start == 30


class TestParseNameserver:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1.1.1.1", ("1.1.1.1", 53)),
            ("127.0.0.1:5353", ("127.0.0.1", 5353)),
            ("[::1]:5353", ("::1", 5353)),
            ("[::1]", ("::1", 53)),
            ("::1", ("::1", 53)),
        ],
    )
    def test_understood(self, text, expected):
        assert parse_nameserver(text) == expected

    @pytest.mark.parametrize(
        "text",
        ["", "dns.test", "1.1.1.1:", "1.1.1.1:0", "1.1.1.1:65536", "1.1.1.1:x", "[::1"],
    )
    def test_refused(self, text):
        with pytest.raises(ValueError, match="invalid nameserver"):
            parse_nameserver(text)
        with pytest.raises(ValueError, match="invalid nameserver"):
            Resolver([text])
