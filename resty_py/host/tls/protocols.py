"""The versions of the protocol."""

from __future__ import annotations

__all__ = ["PROTOCOLS"]

#: The versions of TLS by the names of nginx's directives, and the option that
#: keeps each from being used.
PROTOCOLS = {
    "SSLv2": 0,
    "SSLv3": 0x02000000,
    "TLSv1": 0x04000000,
    "TLSv1.1": 0x10000000,
    "TLSv1.2": 0x08000000,
    "TLSv1.3": 0x20000000,
}
