"""Descriptors for cosockets; errors read as OpenResty's (nginx 1.22.1) do."""

import errno
import os
import select
import socket

import pytest

from resty_py.host import net
from resty_py.vm import FLAVOURS, VM, HostError, guard


@pytest.fixture(autouse=True)
def no_descriptor_leaks():
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def port(server):
    return server.getsockname()[1]


@pytest.fixture
def closed_port():
    """A port on which nobody listens, kept from others meanwhile."""
    with socket.socket() as keeper:
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


@pytest.fixture
def path(tmp_path):
    return bytes(tmp_path / "s")


@pytest.fixture
def fd(server, port):
    """A connected TCP descriptor."""
    fd, in_progress = net.connect(4, b"127.0.0.1", port)
    wait_connected(fd, in_progress)
    yield fd
    os.close(fd)


def wait_connected(fd, in_progress):
    if in_progress:
        assert select.select([], [fd], [], 5)[1] == [fd]


def answer(function, *args):
    """What Lua sees of a call, but for the errno that follows a text."""
    seen = guard(function)(*args)
    return seen[:2] if isinstance(seen, tuple) else seen


class TestConnect:
    def test_tcp(self, server, port):
        fd, in_progress = net.connect(4, b"127.0.0.1", port)
        with socket.socket(fileno=fd) as client:
            wait_connected(fd, in_progress)
            assert net.error(fd) is None
            assert not os.get_blocking(fd)
            assert not os.get_inheritable(fd)
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            accepted, address = server.accept()
            assert net.local(fd) == (address[0].encode(), address[1])
            assert net.peer(fd) == (b"127.0.0.1", port)
            accepted.close()

    def test_ipv6(self):
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
            port = listener.getsockname()[1]
            fd, in_progress = net.connect(6, b"::1", port)
            wait_connected(fd, in_progress)
            assert net.error(fd) is None
            assert net.peer(fd) == (b"::1", port)
            os.close(fd)

    def test_refused(self, closed_port):
        # Loopback may refuse at once or, like a network, a moment later.
        found = answer(net.connect, 4, b"127.0.0.1", closed_port)
        if found[0] is not None:
            wait_connected(*found)
            refused = answer(net.error, found[0])
            os.close(found[0])
        else:
            refused = found
        assert refused == (None, b"connection refused")

    def test_port_from_lua_may_be_a_float(self, port):
        fd, _ = net.connect(4, b"127.0.0.1", float(port))
        os.close(fd)

    @pytest.mark.parametrize("port", [-1, 65536, 70000])
    def test_bad_port(self, port):
        expected = (None, b"bad port number: %d" % port)
        assert answer(net.connect, 4, b"127.0.0.1", port) == expected

    @pytest.mark.parametrize(
        ("family", "address"),
        [(4, b"localhost"), (4, b"::1"), (6, b"127.0.0.1"), (4, b""), (4, b"\xff"),
         (4, b"127.1"), (4, b"1.2.3.4\0")],
    )  # fmt: skip
    def test_bad_address(self, family, address, monkeypatch):
        monkeypatch.setattr(socket, "getaddrinfo", None)
        assert answer(net.connect, family, address, 80) == (None, b"bad address")

    def test_bind(self, server, port):
        fd, in_progress = net.connect(4, b"127.0.0.1", port, b"127.0.0.9")
        wait_connected(fd, in_progress)
        assert net.local(fd)[0] == b"127.0.0.9"
        os.close(fd)

    def test_bind_with_port(self, port, closed_port):
        fd, in_progress = net.connect(4, b"127.0.0.1", port, b"127.0.0.9", closed_port)
        wait_connected(fd, in_progress)
        assert net.local(fd) == (b"127.0.0.9", closed_port)
        os.close(fd)

    @pytest.mark.parametrize(
        ("address", "text"),
        [
            (b"192.0.2.1", b"cannot assign requested address"),
            (b"::1", b"address family not supported by protocol"),
            (b"nope", b"bad address"),
            (b"", b"bad address"),
        ],
    )
    def test_bind_fails(self, port, address, text):
        found = answer(net.connect, 4, b"127.0.0.1", port, address)
        assert found == (None, text)

    def test_out_of_descriptors(self, monkeypatch):
        def refuse(*args, **kwargs):
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(socket, "socket", refuse)
        found = answer(net.connect, 4, b"127.0.0.1", 80)
        assert found == (None, b"too many open files")


class TestUnix:
    def test_connect(self, path):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            fd, in_progress = net.connect_unix(path)
            assert not in_progress
            assert not os.get_blocking(fd)
            assert net.peer(fd) == b"unix:" + path
            assert net.local(fd) == b"unix:"
            os.close(fd)

    def test_nobody_listens(self, path):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            found = answer(net.connect_unix, path)
        assert found == (None, b"connection refused")

    def test_full_backlog(self, path):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(0)
            first, _ = net.connect_unix(path)
            found = answer(net.connect_unix, path)
            os.close(first)
        assert found == (None, b"resource temporarily unavailable")

    @pytest.mark.parametrize("function", [net.connect_unix, net.udp_unix])
    @pytest.mark.parametrize(
        ("path", "text"),
        [
            (b"/nonexistent", b"no such file or directory"),
            (b"", b"no path in the unix domain socket"),
            (b"a" * 108, b"too long path in the unix domain socket"),
            (b"\0abstract", b"invalid path of the unix domain socket"),
        ],
    )
    def test_errors(self, function, path, text):
        assert answer(function, path) == (None, text)

    def test_datagrams_both_ways(self, path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(path)
            fd = net.udp_unix(path)
            os.write(fd, b"ping")
            data, client = server.recvfrom(100)
            server.sendto(data + b" pong", client)
            assert os.read(fd, 100) == b"ping pong"
            assert net.local(fd) == b"unix:"
            assert net.peer(fd) == b"unix:" + path
            os.close(fd)


class TestUdp:
    @pytest.mark.parametrize(("family", "address"), [(4, b"127.0.0.1"), (6, b"::1")])
    def test_datagrams_both_ways(self, family, address):
        af = socket.AF_INET if family == 4 else socket.AF_INET6
        with socket.socket(af, socket.SOCK_DGRAM) as server:
            server.bind((address.decode(), 0))
            fd = net.udp(family, address, server.getsockname()[1])
            assert not os.get_blocking(fd)
            os.write(fd, b"ping")
            data, client = server.recvfrom(100)
            assert client[1] == net.local(fd)[1]
            server.sendto(data + b" pong", client)
            assert os.read(fd, 100) == b"ping pong"
            os.close(fd)

    def test_bind(self):
        fd = net.udp(4, b"127.0.0.1", 53, b"127.0.0.9")
        address, port = net.local(fd)
        os.close(fd)
        assert address == b"127.0.0.9"
        assert port != 0

    @pytest.mark.parametrize(
        ("args", "text"),
        [
            ((4, b"localhost", 53), b"bad address"),
            ((4, b"127.0.0.1", 70000), b"bad port number: 70000"),
            ((4, b"127.0.0.1", 53, b"192.0.2.1"), b"cannot assign requested address"),
        ],
    )
    def test_errors(self, args, text):
        assert answer(net.udp, *args) == (None, text)


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            (b"keepalive", 1),
            (b"reuseaddr", 1),
            (b"tcp-nodelay", 0),
            (b"keepidle", 77),
            (b"keepintvl", 7),
            (b"keepcnt", 3),
        ],
    )
    def test_set_and_get(self, fd, name, value):
        assert net.getoption(fd, name) != value
        assert net.setoption(fd, name, value) is True
        assert net.getoption(fd, name) == value

    @pytest.mark.parametrize(
        ("name", "option"),
        [(b"sndbuf", socket.SO_SNDBUF), (b"rcvbuf", socket.SO_RCVBUF)],
    )
    def test_buffers(self, fd, name, option):
        net.setoption(fd, name, 65536)
        with net._borrowed(fd) as sock:
            kernel = sock.getsockopt(socket.SOL_SOCKET, option)
        assert net.getoption(fd, name) == kernel == 2 * 65536

    # As the FFI of lua-resty-core turns a Lua value into an int.
    @pytest.mark.parametrize(
        ("value", "seen"), [(True, 1), (False, 0), (4096, 1), (1.5, 1), (0.5, 0)]
    )
    def test_values(self, fd, value, seen):
        net.setoption(fd, b"keepalive", value)
        assert net.getoption(fd, b"keepalive") == seen

    @pytest.mark.parametrize(
        ("name", "value", "text"),
        [
            (b"foo", 1, b"unsupported option foo"),
            (b"foo\xff", 1, "unsupported option foo\ufffd".encode()),
            (7, 1, b"unsupported option 7"),
            (None, None, b'missing the "option" argument'),
            (b"keepalive", None, b'missing the "value" argument'),
            (b"keepalive", b"1", b'bad "value" argument: number expected'),
            (b"keepidle", -1, b"Invalid argument"),
            (b"keepalive", 2.0**70, b"Invalid argument"),
            (b"keepalive", float("nan"), b"Invalid argument"),
        ],
    )
    def test_set_errors(self, fd, name, value, text):
        assert answer(net.setoption, fd, name, value) == (None, text)

    def test_get_errors(self, fd):
        assert answer(net.getoption, fd, b"foo") == (None, b"unsupported option foo")
        missing = (None, b'missing the "option" argument')
        assert answer(net.getoption, fd, None) == missing

    def test_tcp_option_of_a_unix_socket_says_it_in_capitals(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            expected = (None, b"Operation not supported")
            assert answer(net.getoption, ours.fileno(), b"tcp-nodelay") == expected
            found = answer(net.setoption, ours.fileno(), b"tcp-nodelay", 1)
            assert found == expected


class TestQuestions:
    def test_peer_of_nobody(self):
        with socket.socket() as sock:
            found = answer(net.peer, sock.fileno())
        assert found == (None, b"transport endpoint is not connected")

    def test_closed_descriptor(self):
        with socket.socket() as sock:
            fd = sock.fileno()
        for function in (net.local, net.peer, net.error):
            assert answer(function, fd) == (None, b"bad file descriptor")

    def test_error_is_taken_once(self, server, port):
        fd, in_progress = net.connect(4, b"127.0.0.1", port)
        wait_connected(fd, in_progress)
        accepted, _ = server.accept()
        linger = b"\1\0\0\0\0\0\0\0"
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        accepted.close()  # with linger 0 it is a reset
        assert select.select([fd], [], [], 5)[0] == [fd]
        reset = (None, b"connection reset by peer", errno.ECONNRESET)
        assert guard(net.error)(fd) == reset
        assert guard(net.error)(fd) is None
        os.close(fd)

    def test_borrowing_leaves_the_descriptor_open(self, fd):
        with pytest.raises(HostError):
            net.setoption(fd, b"keepidle", -1)
        assert net.error(fd) is None


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_from_lua(flavour, server, port, path):
    vm = VM(flavour, host={"net": net.functions(), "os": {"close": os.close}})
    seen = vm.run(
        b"""
        local native = require "resty_py.native"
        local net, port, path = native.net, ...
        local fd, in_progress = net.connect(4, "127.0.0.1", port, nil, nil)
        assert(type(in_progress) == "boolean")
        assert(net.setoption(fd, "keepalive", true))
        assert(net.getoption(fd, "keepalive") == 1)
        local address, local_port = net["local"](fd)
        assert(address == "127.0.0.1" and local_port > 0)
        native.os.close(fd)
        local nothing, err = net.connect_unix(path)
        return nothing == nil, err""",
        port,
        path,
    )
    assert seen == (True, b"no such file or directory")
