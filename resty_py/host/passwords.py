"""Files of users and their passwords for Lua: the auth_basic module.

Follows ``ngx_http_auth_basic_module.c`` and ``ngx_crypt.c``. Texts end at a NUL,
as C's do. What begins with none of the marks below is for crypt(3), which is
that of the system's libcrypt.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import hmac
import os
import re
from typing import TYPE_CHECKING, Any

from ..vm.boundary import HostError
from . import base64

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["functions"]

_DIGITS = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#: Bytes that are read at once.
_BLOCK = 65536

_NEWLINE = ord("\n")
_COMMENT = b"#\r"
_PASSWORD_END = re.compile(rb"[\n\r:\0]")

_SHA1_SIZE = 20

#: ``$apr1$``: how often it hashes, how much of a salt counts, and the order in
#: which it writes the bytes of the digest.
_ROUNDS = 1000
_MAX_SALT = 8
_ORDER = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5), (11,))

#: More than ``struct crypt_data`` is in any libcrypt.
_CRYPT_DATA = 262144

#: Where it may be: in a library of its own, or in C's.
_LIBRARIES = ("libcrypt.so.2", "libcrypt.so.1", None)


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``passwords``."""
    return {"find": find, "matches": matches}


# Files ------------------------------------------------------------------------


def find(path: bytes, user: bytes) -> Any:
    """Look for the password of *user*, as it is stored.

    Returns:
        It, or False if there is none; where the file cannot be read, None, the
        error's text and number, and the name of the call that failed.
    """
    call = b"open()"
    try:
        descriptor = os.open(_c_text(path), os.O_RDONLY | os.O_CLOEXEC)
        call = b"pread()"
        data = _read(descriptor)
    except OSError as exc:
        code = exc.errno or errno.EIO
        return None, os.strerror(code).encode(), code, call
    stored = _find(data, user + b":")
    return False if stored is None else stored


def _read(descriptor: int) -> bytes:
    """Return what is in a file, which is closed in any case."""
    try:
        return b"".join(iter(lambda: os.read(descriptor, _BLOCK), b""))
    finally:
        os.close(descriptor)


def _find(data: bytes, wanted: bytes) -> bytes | None:
    """Return what follows *wanted* at the start of a line, up to its end or ``:``.

    As in nginx a line that ends where *wanted* goes on takes the next with it.
    """
    at = 0 if wanted in data else len(data)
    while at < len(data):
        if data[at] == _NEWLINE:
            at += 1
            continue
        common = 0 if data[at] in _COMMENT else _count_common(data, at, wanted)
        if common == len(wanted):
            return _PASSWORD_END.split(data[at + common :], 1)[0]
        at = data.find(b"\n", at + common + 1) + 1 or len(data)
    return None


def _count_common(data: bytes, at: int, wanted: bytes) -> int:
    """Return how many bytes of *wanted* stand at a place."""
    if data.startswith(wanted, at):
        return len(wanted)
    pairs = zip(data[at : at + len(wanted)], wanted, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), 0)


def _c_text(data: bytes) -> bytes:
    return data.partition(b"\0")[0]


# Passwords --------------------------------------------------------------------


def matches(password: bytes, stored: bytes) -> bool:
    """Tell whether *password* is what was stored: ``ngx_crypt``.

    Raises:
        OSError: crypt(3) refuses.
        HostError: there is none.
    """
    hashers = (how for mark, how in _HASHERS.items() if stored.startswith(mark))
    hashed = next(hashers, _system)(_c_text(password), stored)
    return hmac.compare_digest(hashed, stored)


def _plain(password: bytes, _stored: bytes) -> bytes:
    return b"{PLAIN}" + password


def _sha(password: bytes, _stored: bytes) -> bytes:
    return b"{SHA}" + base64.encode(_sha1(password))


def _salted_sha(password: bytes, stored: bytes) -> bytes:
    salt = (base64.decode(stored.removeprefix(b"{SSHA}")) or b"")[_SHA1_SIZE:]
    return b"{SSHA}" + base64.encode(_sha1(password + salt) + salt)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b"".join(parts), usedforsecurity=False).digest()


def _apr1(password: bytes, stored: bytes) -> bytes:
    """Hash as Apache's variant of MD5: ``ngx_crypt_apr1``."""
    salt = stored.removeprefix(b"$apr1$").split(b"$", 1)[0][:_MAX_SALT]
    digest = _first_round(password, salt)
    for number in range(_ROUNDS):
        is_odd = number % 2
        digest = _md5(
            password if is_odd else digest,
            salt if number % 3 else b"",
            password if number % 7 else b"",
            digest if is_odd else password,
        )
    groups = (_group(digest, places) for places in _ORDER)
    return b"$apr1$" + salt + b"$" + b"".join(groups)


def _first_round(password: bytes, salt: bytes) -> bytes:
    size = len(password)
    inner = _md5(password, salt, password)
    bits = bytearray()
    while size:
        bits += b"\0" if size & 1 else password[:1]
        size >>= 1
    repeated = (inner * (len(password) // len(inner) + 1))[: len(password)]
    return _md5(password, b"$apr1$", salt, repeated, bytes(bits))


def _group(digest: bytes, places: tuple[int, ...]) -> bytes:
    """Return three bytes as four digits, one as two; the low bits come first."""
    number = int.from_bytes(bytes(digest[place] for place in places), "big")
    count = len(places) + 1
    return bytes(_DIGITS[number >> 6 * place & 63] for place in range(count))


def _system(password: bytes, stored: bytes) -> bytes:
    """Hash as crypt(3) does: ``ngx_libc_crypt``."""
    crypt = _libcrypt()
    if crypt is None:
        raise HostError("the password needs crypt(3), and there is no libcrypt")
    state = ctypes.create_string_buffer(_CRYPT_DATA)
    hashed: bytes | None = crypt(password, stored, state)
    if hashed is None:
        code = ctypes.get_errno() or errno.EINVAL
        raise OSError(code, os.strerror(code))
    return hashed


@functools.cache
def _libcrypt() -> Any:
    """Return ``crypt_r``, or None where there is none."""
    for name in _LIBRARIES:
        with contextlib.suppress(OSError, AttributeError):
            crypt = ctypes.CDLL(name, use_errno=True).crypt_r
            crypt.argtypes = ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p
            crypt.restype = ctypes.c_char_p
            return crypt
    return None


_HASHERS: dict[bytes, Callable[[bytes, bytes], bytes]] = {
    b"$apr1$": _apr1,
    b"{PLAIN}": _plain,
    b"{SSHA}": _salted_sha,
    b"{SHA}": _sha,
}
