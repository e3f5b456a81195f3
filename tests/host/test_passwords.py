"""Passwords as they are stored, beside openssl's; the rest is compared with nginx's."""

from __future__ import annotations

import errno
import os

import pytest

from resty_py.host import passwords
from resty_py.vm.boundary import HostError

#: What ``openssl passwd -apr1`` makes of passwords whose sizes matter.
APR1 = {
    b"x": b"$apr1$abcdefgh$82JubPF2dQkt1tVfvLnXS.",
    b"secret": b"$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/",
    b"a" * 40: b"$apr1$ab$YLwLeOYdzbDs5SxmZ/FzX.",
}


@pytest.mark.parametrize("password", APR1)
def test_apr1(password):
    assert passwords.matches(password, APR1[password])
    assert not passwords.matches(password[:-1], APR1[password])


def test_what_cannot_be_read_is_closed(tmp_path):
    before = os.listdir("/proc/self/fd")
    assert passwords.find(bytes(tmp_path), b"x")[2:] == (errno.EISDIR, b"pread()")
    assert os.listdir("/proc/self/fd") == before


def test_there_may_be_no_libcrypt(monkeypatch):
    monkeypatch.setattr(passwords, "_LIBRARIES", ("libnone.so",))
    passwords._libcrypt.cache_clear()
    try:
        with pytest.raises(HostError, match="there is no libcrypt"):
            passwords.matches(b"x", b"$6$salt$x")
    finally:
        passwords._libcrypt.cache_clear()
