"""Base64 as nginx reads and writes it.

Rules of decoding (``ngx_decode_base64``):

1. What follows the first ``=`` does not count.
2. A byte outside the alphabet, or a single digit at the end, is an error.
3. Bits of the last digit that belong to no byte are ignored.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "decode",
    "decode_mime",
    "decode_url",
    "encode",
    "encode_url",
    "functions",
]

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD = _LETTERS + b"+/"
_NOT_STANDARD = bytes(range(256)).translate(None, _STANDARD)
_TO_URL = bytes.maketrans(b"+/", b"-_")
# What the other alphabet has and this one has not becomes no digit at all.
_FROM_URL = bytes.maketrans(b"-_+/", b"+/**")


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``base64``."""
    return {
        "encode": encode,
        "decode": decode,
        "decode_mime": decode_mime,
        "encode_url": encode_url,
        "decode_url": decode_url,
    }


def encode(data: bytes, no_padding: bool | None = None) -> bytes:
    """Return *data* in base64: ``ngx.encode_base64``."""
    text = binascii.b2a_base64(data, newline=False)
    return text.rstrip(b"=") if no_padding else text


def encode_url(data: bytes) -> bytes:
    """Return *data* in the URL alphabet, unpadded: ``encode_base64url``."""
    return encode(data, True).translate(_TO_URL)


def decode(text: bytes) -> bytes | None:
    """Return the bytes of *text*, None if malformed: ``ngx.decode_base64``."""
    return _decode(text.partition(b"=")[0])


def decode_url(text: bytes) -> bytes | None:
    """Return the bytes of *text*, None if malformed: ``decode_base64url``."""
    return _decode(text.partition(b"=")[0].translate(_FROM_URL))


def decode_mime(text: bytes) -> bytes | None:
    """Decode *text*, skipping what is no digit: ``ngx.decode_base64mime``."""
    return _decode(text.partition(b"=")[0].translate(None, _NOT_STANDARD))


def _decode(digits: bytes) -> bytes | None:
    if len(digits) % 4 == 1:
        return None
    try:
        data = binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
    except binascii.Error:
        return None
    # What is no digit was skipped, and made the result too short.
    return data if len(data) == len(digits) * 3 // 4 else None
