"""AES for Lua, by the libcrypto that Python has in memory: ``resty.aes``.

On flavours without FFI the host calls what lua-resty-string calls by FFI. Each
call has a context of its own.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib
import re
from ctypes import POINTER, byref, c_char_p, c_int, c_void_p, create_string_buffer
from typing import TYPE_CHECKING, Any, Self

from ..vm import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bytes_to_key", "functions"]

_BLOCK = 16
_TAG = 16
# The modes that lua-resty-string has. Others take keys of other sizes, or
# several calls.
_NAME = re.compile(rb"(128|192|256)_(?:cbc|ecb|cfb1|cfb8|cfb128|ofb|ctr|gcm)\Z")

_SET_IV_LENGTH, _GET_TAG, _SET_TAG = 0x9, 0x10, 0x11

_CONTEXT, _SIZE = c_void_p, POINTER(c_int)
_INIT = (_CONTEXT, c_void_p, c_void_p, c_char_p, c_char_p)
_UPDATE = (_CONTEXT, c_char_p, _SIZE, c_char_p, c_int)

# name -> result, arguments
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "EVP_CIPHER_CTX_new": (c_void_p, ()),
    "EVP_CIPHER_CTX_free": (None, (_CONTEXT,)),
    "EVP_CIPHER_CTX_set_padding": (c_int, (_CONTEXT, c_int)),
    "EVP_CIPHER_CTX_ctrl": (c_int, (_CONTEXT, c_int, c_int, c_char_p)),
    "EVP_EncryptInit_ex": (c_int, _INIT),
    "EVP_EncryptUpdate": (c_int, _UPDATE),
    "EVP_EncryptFinal_ex": (c_int, (_CONTEXT, c_char_p, _SIZE)),
    "EVP_DecryptInit_ex": (c_int, _INIT),
    "EVP_DecryptUpdate": (c_int, _UPDATE),
    "EVP_DecryptFinal_ex": (c_int, (_CONTEXT, c_char_p, _SIZE)),
}


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``cipher``."""
    return {
        "exists": exists,
        "encrypt": encrypt,
        "decrypt": decrypt,
        "bytes_to_key": bytes_to_key,
    }


@functools.cache
def _crypto() -> Any:
    """Return libcrypto, found through Python's own module over it."""
    path = getattr(importlib.import_module("_hashlib"), "__file__", None)
    library = ctypes.CDLL(path)
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as exc:
        raise HostError("libcrypto is out of reach") from exc
    return library


def _method(name: bytes) -> Any:
    if not _NAME.match(name):
        raise HostError("no such cipher")
    method = getattr(_crypto(), f"EVP_aes_{name.decode()}")
    method.restype, method.argtypes = c_void_p, ()
    return method()


def exists(name: bytes) -> bool:
    """Tell whether there is ``EVP_aes_NAME``, such as ``256_cbc``."""
    return bool(_method(name))


def bytes_to_key(
    digest: bytes, salt: bytes | None, data: bytes, rounds: int, size: int
) -> tuple[bytes, bytes]:
    """Return a key of *size* bytes and an IV of 16: ``EVP_BytesToKey``."""
    size = int(size)
    made, block = b"", b""
    while len(made) < size + _BLOCK:
        block += data + (salt or b"")
        for _ in range(max(int(rounds), 1)):
            block = hashlib.new(digest.decode(), block, usedforsecurity=False).digest()
        made += block
    return made[:size], made[size : size + _BLOCK]


class _Context:
    """A context of libcrypto's: a context manager."""

    def __init__(self) -> None:
        self._crypto = _crypto()
        self._pointer = self._crypto.EVP_CIPHER_CTX_new()
        if not self._pointer:
            raise MemoryError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._crypto.EVP_CIPHER_CTX_free(self._pointer)

    def call(self, name: str, *args: Any) -> None:
        """Call ``EVP_NAME``; an answer of lua-resty-string's if it fails."""
        if getattr(self._crypto, f"EVP_{name}")(self._pointer, *args) != 1:
            raise HostError(f"EVP_{name} failed")

    def begin(self, verb: str, name: bytes, key: bytes, iv: bytes) -> None:
        method = _method(name)
        # libcrypto reads as much as the cipher takes.
        if len(key) * 8 != int(name[:3]) or not (name.endswith(b"gcm") or iv[15:]):
            raise HostError("bad key or iv length")
        self.call(f"{verb}Init_ex", method, None, None, None)
        if name.endswith(b"gcm"):
            self.call("CIPHER_CTX_ctrl", _SET_IV_LENGTH, len(iv), None)
        self.call(f"{verb}Init_ex", None, None, key, iv)

    def run(self, verb: str, data: bytes, tag: bytes | None = None) -> bytes:
        """Return all of *data* encrypted or decrypted."""
        output = create_string_buffer(len(data) + 2 * _BLOCK)
        size, rest = c_int(), c_int()
        self.call(f"{verb}Update", output, byref(size), data, len(data))
        if tag is not None:
            self.call("CIPHER_CTX_ctrl", _SET_TAG, len(tag), tag)
        last = create_string_buffer(2 * _BLOCK)
        self.call(f"{verb}Final_ex", last, byref(rest))
        return output.raw[: size.value] + last.raw[: rest.value]


def encrypt(
    name: bytes, key: bytes, iv: bytes, padding: bool, data: bytes
) -> bytes | tuple[bytes, bytes]:
    """Return *data* encrypted; with GCM the tag as well."""
    with _Context() as context:
        context.begin("Encrypt", name, key, iv)
        context.call("CIPHER_CTX_set_padding", int(padding))
        text = context.run("Encrypt", data)
        if not name.endswith(b"gcm"):
            return text
        tag = create_string_buffer(_TAG)
        context.call("CIPHER_CTX_ctrl", _GET_TAG, _TAG, tag)
        return text, tag.raw


def decrypt(
    name: bytes,
    key: bytes,
    iv: bytes,
    padding: bool,
    data: bytes,
    tag: bytes | None = None,
) -> bytes:
    """Return *data* decrypted; with GCM *tag* must be that of the text."""
    with _Context() as context:
        context.begin("Decrypt", name, key, iv)
        context.call("CIPHER_CTX_set_padding", int(padding))
        return context.run("Decrypt", data, tag)
