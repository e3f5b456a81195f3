"""Digests and checksums for Lua, and the libraries behind them for its FFI.

MD5 and SHA-1 are here for what OpenResty programs use them for, which is not
always security; so a Python in FIPS mode gives them too.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import os
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "extension",
    "functions",
    "hash_",
    "hmac_sha1",
    "hmac_sha256",
    "md5",
    "md5_bin",
    "random",
    "sha1_bin",
]


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``digest``."""
    return {
        "md5": md5,
        "md5_bin": md5_bin,
        "sha1_bin": sha1_bin,
        "hmac_sha1": hmac_sha1,
        "hmac_sha256": hmac_sha256,
        "hash": hash_,
        "random": random,
        "crc32": zlib.crc32,
        "extension": extension,
    }


def md5(data: bytes) -> bytes:
    """Return the MD5 digest of *data* in lower-case hex: ``ngx.md5``."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()


def md5_bin(data: bytes) -> bytes:
    """Return the MD5 digest of *data*: ``ngx.md5_bin``."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def sha1_bin(data: bytes) -> bytes:
    """Return the SHA-1 digest of *data*: ``ngx.sha1_bin``."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def hash_(name: bytes, data: bytes) -> bytes:
    """Return the digest *name*, as hashlib calls it, of *data*: ``resty.sha256``."""
    return hashlib.new(name.decode(), data, usedforsecurity=False).digest()


def random(size: int) -> bytes:
    """Return *size* random bytes that are fit for secrets: ``resty.random``."""
    return os.urandom(max(int(size), 0))


def hmac_sha1(key: bytes, data: bytes) -> bytes:
    """Return the HMAC of *data* with SHA-1: ``ngx.hmac_sha1``."""
    return hmac.digest(key, data, "sha1")


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return the HMAC of *data* with SHA-256: ``set_hmac_sha256``."""
    return hmac.digest(key, data, "sha256")


def extension(module: bytes) -> bytes | None:
    """Return the file of an extension module of Python, None if it has none.

    LuaJIT's FFI reaches the C library behind the module through it. Where the
    module is part of the interpreter there is no such file.

    Args:
        module: ``_hashlib`` for libcrypto, ``zlib`` for zlib.
    """
    try:
        found = importlib.import_module(module.decode())
    except ImportError:
        return None
    path = getattr(found, "__file__", None)
    return path.encode() if path else None
