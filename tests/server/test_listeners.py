"""Addresses and listeners; accepted, refused and worded as nginx 1.22.1 does."""

import os
import socket
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.server import listeners
from resty_py.server.listeners import (
    Address,
    ListenError,
    open_listener,
    parse_listen,
)

V4, V6, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
FREE_PORT = Address(V4, "127.0.0.1", 0)

PORTS = st.integers(0, 65535)
ADDRESSES = st.one_of(
    st.builds(Address, st.just(V4), st.ip_addresses(v=4).map(str), PORTS),
    st.builds(Address, st.just(V6), st.ip_addresses(v=6).map(str), PORTS),
    st.builds(Address, st.just(UNIX), st.text("ab/:[]", min_size=1, max_size=107)),
)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s")


class TestParse:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("8080", Address(V4, "0.0.0.0", 8080)),
            ("08080", Address(V4, "0.0.0.0", 8080)),
            ("127.0.0.1:8080", Address(V4, "127.0.0.1", 8080)),
            ("127.0.0.1", Address(V4, "127.0.0.1", 80)),
            ("*:8081", Address(V4, "0.0.0.0", 8081)),
            ("*", Address(V4, "0.0.0.0", 80)),
            ("[::1]:8082", Address(V6, "::1", 8082)),
            ("[::1]", Address(V6, "::1", 80)),
            ("[::]:80", Address(V6, "::", 80)),
            ("unix:/tmp/q", Address(UNIX, "/tmp/q")),
            ("unix:rel", Address(UNIX, "rel")),
            ("unix:" + "a" * 107, Address(UNIX, "a" * 107)),
            ("localhost:8083", Address(V4, "127.0.0.1", 8083)),
            ("localhost", Address(V4, "127.0.0.1", 80)),
        ],
    )
    def test_understood(self, text, address):
        assert parse_listen(text) == address

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("65536", "invalid port"),
            ("127.0.0.1:x", "invalid port"),
            ("127.0.0.1:", "invalid port"),
            ("127.0.0.1:80x", "invalid port"),
            ("127.0.0.1:99999", "invalid port"),
            ("*:", "invalid port"),
            ("[::1]:", "invalid port"),
            ("::1", "invalid port"),
            ("[::1", "invalid host"),
            ("[::1]82", "invalid host"),
            ("127.0.0.1/x", "invalid host"),
            ("80/x", "invalid host"),
            ("[:]", "invalid IPv6 address"),
            ("[1.2.3.4]:80", "invalid IPv6 address"),
            ("[]:80", "no host"),
            ("", "no host"),
            (":80", "no host"),
            ("nohost.invalid:80", "host not found"),
            ("local host:80", "host not found"),
            ("unix:", "no path in the unix domain socket"),
            ("unix:" + "a" * 108, "too long path in the unix domain socket"),
        ],
    )
    def test_refused(self, text, what, monkeypatch):
        def not_found(*args, **kwargs):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", not_found)
        with pytest.raises(ListenError) as caught:
            parse_listen(text)
        assert str(caught.value) == f'{what} in "{text}"'

    def test_port_0_lets_the_kernel_choose(self):
        assert parse_listen("127.0.0.1:0").port == 0

    def test_name_with_ipv6_only(self, monkeypatch):
        found = [(V6, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert parse_listen("six:80") == Address(V6, "::1", 80)

    @pytest.mark.parametrize("step", [1, -1])
    def test_name_with_both_families(self, monkeypatch, step):
        found = [
            (V4, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80)),
            (V6, socket.SOCK_STREAM, 6, "", ("2001:db8::7", 80, 0, 0)),
        ][::step]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert parse_listen("both:80") == Address(V4, "192.0.2.7", 80)

    def test_name_with_a_nul(self):
        with pytest.raises(ListenError, match="host not found"):
            parse_listen("localhost\0.test:80")

    @given(st.text(st.characters(codec="utf-8") | st.sampled_from("[]:*0189./x\0")))
    def test_anything_is_an_address_or_a_listen_error(self, text):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(listeners, "_look_up", lambda *_: FREE_PORT)
            complaint = ""
            try:
                address = parse_listen(text)
            except ListenError as exc:
                complaint = str(exc)
        if complaint:
            assert complaint.endswith(f' in "{text}"')
        else:
            assert address.is_unix or 0 <= address.port <= 65535

    @given(ADDRESSES)
    def test_is_read_as_it_is_shown(self, address):
        assert parse_listen(str(address)) == address


class TestOpen:
    def test_ipv4(self):
        with open_listener(FREE_PORT) as listener:
            assert listener.address == Address(V4, *listener.getsockname())
            assert listener.address.port != 0
            assert not listener.getblocking()
            assert not listener.get_inheritable()
            assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
            assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
            with socket.create_connection(listener.getsockname()):
                pass

    def test_ipv6_only(self):
        with open_listener(Address(V6, "::1")) as listener:
            assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
            assert str(listener.address) == f"[::1]:{listener.getsockname()[1]}"

    def test_both_families_share_a_port(self):
        with open_listener(Address(V4, "0.0.0.0")) as listener:
            other = Address(V6, "::", listener.address.port)
            open_listener(other).close()

    def test_port_in_use(self):
        with open_listener(FREE_PORT) as listener:
            with pytest.raises(ListenError) as caught:
                open_listener(listener.address)
            expected = (
                f"bind() to {listener.address} failed (98: Address already in use)"
            )
            assert str(caught.value) == expected

    def test_address_that_is_not_ours(self):
        with pytest.raises(ListenError) as caught:
            open_listener(Address(V4, "192.0.2.1", 80))
        expected = "bind() to 192.0.2.1:80 failed (99: Cannot assign requested address)"
        assert str(caught.value) == expected

    def test_no_socket(self, monkeypatch):
        monkeypatch.setattr(listeners, "Listener", raise_emfile)
        with pytest.raises(ListenError, match=r"^socket\(\) 127.0.0.1:0 failed \(24: "):
            open_listener(FREE_PORT)


def raise_emfile(*args):
    raise OSError(24, "Too many open files")


class TestUnix:
    def test_mode_and_unlink(self, path):
        with open_listener(Address(UNIX, path)) as listener:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
            assert str(listener.address) == f"unix:{path}"
        assert not os.path.exists(path)

    def test_stale_socket_is_replaced(self, path):
        with socket.socket(UNIX) as dead:
            dead.bind(path)
        with open_listener(Address(UNIX, path)), socket.socket(UNIX) as client:
            client.connect(path)

    def test_living_socket_is_not(self, path):
        with open_listener(Address(UNIX, path)):
            with pytest.raises(ListenError) as caught:
                open_listener(Address(UNIX, path))
            assert str(caught.value) == (
                f"bind() to unix:{path} failed (98: Address already in use)"
            )
            assert os.path.exists(path)

    def test_socket_with_full_backlog_is_alive(self, path):
        with open_listener(Address(UNIX, path), backlog=0):
            clients = [socket.socket(UNIX) for _ in range(3)]
            for client in clients:
                client.setblocking(False)
                client.connect_ex(path)
            with pytest.raises(ListenError, match="98: Address already in use"):
                open_listener(Address(UNIX, path))
            for client in clients:
                client.close()

    def test_other_files_stay(self, path):
        with open(path, "w") as file:
            file.write("precious")
        with pytest.raises(ListenError, match="98: Address already in use"):
            open_listener(Address(UNIX, path))
        with open(path) as file:
            assert file.read() == "precious"

    def test_missing_folder(self, path):
        with pytest.raises(
            ListenError, match=r"failed \(2: No such file or directory\)"
        ):
            open_listener(Address(UNIX, f"{path}/deeper"))

    def test_nothing_is_left_when_it_fails_late(self, path, monkeypatch):
        def refuse(*args):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "chmod", refuse)
        with pytest.raises(ListenError) as caught:
            open_listener(Address(UNIX, path))
        assert str(caught.value) == (
            f'chmod() "{path}" failed (1: Operation not permitted)'
        )
        assert not os.path.exists(path)

    def test_forked_worker_leaves_the_path(self, path, monkeypatch):
        listener = open_listener(Address(UNIX, path))
        monkeypatch.setattr(os, "getpid", lambda: -1)
        listener.close()
        assert os.path.exists(path)
