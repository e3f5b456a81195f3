"""The sockets of a configuration: which, with what options, and what is kept."""

import socket

import pytest

from resty_py.conf.model import Endpoint
from resty_py.server import endpoints as module
from resty_py.server.endpoints import bind, bound_endpoints, try_bind
from resty_py.server.listeners import ListenError, parse_listen

EMERG, ALERT, NOTICE = 1, 2, 6


class Report:
    """A log that remembers."""

    def __init__(self):
        self.lines = []

    def write(self, level, message):
        self.lines.append((level, message.decode()))


@pytest.fixture
def log():
    return Report()


@pytest.fixture
def opened():
    """Sockets that are closed after the test."""
    sockets = []
    yield sockets
    for one in sockets:
        one.listener.close()


@pytest.fixture
def open_all(log, opened):
    """Open endpoints; return the sockets by number and the pauses in between."""

    def open_all(endpoints, kept=()):
        opening = bind(endpoints, kept, log)
        pauses = []
        try:
            while True:
                pauses.append(next(opening))
        except StopIteration as stop:
            opened.extend(stop.value.values())
            return stop.value, pauses

    return open_all


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock


def endpoint(text, **options):
    return Endpoint(parse_listen(text), {"backlog": 511, **options}, 0, (0,))


def free_port(host="127.0.0.1"):
    with socket.socket() as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


class TestBoundEndpoints:
    @pytest.mark.parametrize(
        ("listens", "bound"),
        [
            (["80", "81"], [0, 1]),
            (["127.0.0.1:80", "127.0.0.2:80"], [0, 1]),
            (["127.0.0.1:80", "*:80"], [1]),
            (["*:80", "127.0.0.1:80", "127.0.0.1:81"], [0, 2]),
            (["*:80", "[::1]:80"], [0, 1]),
            (["[::]:80", "[::1]:80", "127.0.0.1:80"], [0, 2]),
            (["unix:/a", "unix:/b", "*:80"], [0, 1, 2]),
            ([], []),
        ],
    )
    def test_an_address_of_a_port_that_is_open_for_all(self, listens, bound):
        assert list(bound_endpoints([endpoint(text) for text in listens])) == bound

    def test_one_with_parameters_has_its_own(self):
        wild, other = endpoint("*:80"), endpoint("127.0.0.1:80", set=True)
        assert bound_endpoints([wild, other]) == (0, 1)


class TestOpening:
    def test_each_by_its_number(self, open_all, log, tmp_path):
        port = free_port()
        sockets, pauses = open_all(
            [
                endpoint(f"127.0.0.1:{port}"),
                endpoint(f"*:{port}"),
                endpoint(f"unix:{tmp_path}/s"),
            ]
        )
        assert list(sockets) == [1, 2]
        assert sockets[1].listener.getsockname() == ("0.0.0.0", port)
        assert sockets[2].listener.getsockname() == f"{tmp_path}/s"
        assert (pauses, log.lines) == ([], [])

    def test_an_address_in_use_is_tried_again(self, open_all, log, taken, tmp_path):
        host, port = taken.getsockname()
        endpoints = [endpoint(f"{host}:{port}"), endpoint(f"unix:{tmp_path}/s")]
        with pytest.raises(ListenError, match=r"^still could not bind\(\)$"):
            open_all(endpoints)
        failed = f"bind() to {host}:{port} failed (98: Address already in use)"
        again = (NOTICE, "try again to bind() after 500ms")
        tries = [(EMERG, failed), again] * module.TRIES
        assert log.lines == [*tries[:-1], (EMERG, "still could not bind()")]
        assert not (tmp_path / "s").exists()

    def test_one_that_becomes_free(self, log, taken, opened):
        host, port = taken.getsockname()
        opening = bind([endpoint(f"{host}:{port}")], (), log)
        assert next(opening) == module.PAUSE == 0.5
        taken.close()
        with pytest.raises(StopIteration) as stop:
            next(opening)
        opened.extend(stop.value.value.values())
        assert [level for level, _ in log.lines] == [EMERG, NOTICE]

    def test_given_up_in_between(self, log, taken, tmp_path):
        host, port = taken.getsockname()
        endpoints = [endpoint(f"unix:{tmp_path}/s"), endpoint(f"{host}:{port}")]
        opening = bind(endpoints, (), log)
        next(opening)
        assert (tmp_path / "s").exists()
        opening.close()
        assert not (tmp_path / "s").exists()

    def test_another_failure_is_the_last(self, open_all, log, tmp_path):
        with pytest.raises(ListenError):
            open_all([endpoint(f"unix:{tmp_path}/no/s"), endpoint("*:1")])
        said = f"bind() to unix:{tmp_path}/no/s failed (2: No such file or directory)"
        assert log.lines == [(EMERG, said)]


class TestOptions:
    def test_of_tcp(self, open_all, log):
        port = free_port()
        options = {
            "rcvbuf": 65536, "sndbuf": 32768, "fastopen": 5, "deferred": True,
            "so_keepalive": (30, 0, 4), "reuseport": True, "set": True,
        }  # fmt: skip
        sockets, _ = open_all([endpoint(f"127.0.0.1:{port}", **options)])
        get = sockets[0].listener.getsockopt
        # Linux doubles what it is given for its own bookkeeping.
        assert get(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 65536
        assert get(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 32768
        assert get(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert get(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 1
        assert get(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert get(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 4
        assert get(socket.IPPROTO_TCP, socket.TCP_FASTOPEN) == 5
        assert get(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT) == 1
        assert log.lines == []

    @pytest.mark.parametrize(("value", "number"), [(True, 1), (False, 0)])
    def test_keepalive_on_and_off(self, open_all, value, number):
        listen = endpoint(f"127.0.0.1:{free_port()}", so_keepalive=value)
        sockets, _ = open_all([listen])
        get = sockets[0].listener.getsockopt
        assert get(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == number

    @pytest.mark.parametrize("only", [True, False])
    def test_ipv6only(self, open_all, only):
        sockets, _ = open_all([endpoint(f"[::]:{free_port()}", ipv6only=only)])
        get = sockets[0].listener.getsockopt
        assert get(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == only

    def test_what_cannot_be_set_is_ignored(self, open_all, log, tmp_path):
        path = f"unix:{tmp_path}/s"
        sockets, _ = open_all([endpoint(path, deferred=True)])
        assert len(sockets) == 1
        said = "setsockopt(TCP_DEFER_ACCEPT, 1) {} failed, ignored (95: {})"
        reason = "Operation not supported"
        assert log.lines == [(ALERT, said.format(path, reason))]


class TestKept:
    def test_the_same_address_is_the_same_socket(self, open_all):
        first = endpoint(f"127.0.0.1:{free_port()}")
        old, _ = open_all([first])
        other = endpoint(f"127.0.0.1:{free_port()}")
        new, _ = open_all([other, first], old.values())
        assert new[1].listener is old[0].listener
        assert new[0].listener is not old[0].listener

    def test_kept_ones_stay_open_when_others_fail(self, open_all, tmp_path):
        first = endpoint(f"127.0.0.1:{free_port()}")
        old, _ = open_all([first])
        with pytest.raises(ListenError):
            open_all([first, endpoint(f"unix:{tmp_path}/no/s")], old.values())
        assert old[0].listener.fileno() != -1

    def test_changed_options(self, open_all, log):
        text = f"127.0.0.1:{free_port()}"
        old, _ = open_all([endpoint(text, deferred=True)])
        new, _ = open_all([endpoint(text, backlog=9, rcvbuf=65536)], old.values())
        get = new[0].listener.getsockopt
        assert get(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT) == 0
        assert get(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 65536
        assert log.lines == []


class TestTesting:
    def test_nothing_stays_open(self, log, tmp_path):
        port = free_port()
        try_bind([endpoint(f"127.0.0.1:{port}"), endpoint(f"unix:{tmp_path}/s")], log)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
        assert not (tmp_path / "s").exists()
        assert log.lines == []

    def test_an_address_in_use_will_do(self, log, taken):
        host, port = taken.getsockname()
        try_bind([endpoint(f"{host}:{port}")], log)
        assert log.lines == []

    def test_any_other_failure_will_not(self, log, tmp_path):
        with pytest.raises(ListenError):
            try_bind([endpoint(f"unix:{tmp_path}/no/s")], log)
        said = f"bind() to unix:{tmp_path}/no/s failed (2: No such file or directory)"
        assert log.lines == [(EMERG, said)]
