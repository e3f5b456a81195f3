"""TLS for clients; and HTTP/2, which is not supported yet."""

from __future__ import annotations

import math
import mmap
import re
from typing import TYPE_CHECKING

from ..kinds import (
    CONF_PATH,
    FLAG,
    KEY_VALUE,
    NUMBER,
    SECONDS,
    SIZE,
    TEXT,
    enum,
    enums,
    off_only,
)
from ..table import Command, Kind, Module
from ..values import parse_size
from .shorthand import (
    HTTP,
    HTTP_SERVER,
    INERT,
    LOCAL,
    flag,
    later,
)

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]

_CACHE = re.compile(r"off|none|builtin(?::\d+)?|shared:[^:]+:(?P<size>\d+[kKmM]?)")
_LEAST_CACHE = 8 * mmap.PAGESIZE


def _read_cache(call: Call) -> tuple[str, ...]:
    for arg in call.args:
        try:
            size = _cache_size(arg)
        except ValueError:
            raise call.error(f'invalid session cache "{arg}"') from None
        if size < _LEAST_CACHE:
            raise call.error(f'session cache "{arg}" is too small')
    return tuple(call.args)


def _cache_size(arg: str) -> float:
    """Return the size of a shared cache in bytes, of another one infinity.

    Raises:
        ValueError: it is no cache, or too large.
    """
    found = _CACHE.fullmatch(arg)
    if not found:
        raise ValueError(arg)
    return parse_size(found["size"]) if found["size"] else math.inf


def _read_file(call: Call) -> str:
    """Read a path that must be known before there is a client."""
    if "$" in call.args[0]:
        raise call.not_yet(f'variables in "{call.name}"')
    path: str = CONF_PATH.read(call)
    return path


_FILE = Kind("path", _read_file)

MODULES = (
    Module("ngx_http_ssl_module", (
        Command("ssl", HTTP_SERVER, "1", off_only(FLAG), "off", status=INERT),
        Command("ssl_certificate", HTTP_SERVER, "1", _FILE, many=True),
        Command("ssl_certificate_key", HTTP_SERVER, "1", _FILE, many=True),
        Command("ssl_password_file", HTTP_SERVER, "1", CONF_PATH),
        Command(
            "ssl_protocols", HTTP_SERVER, "1+",
            enums("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
            "TLSv1 TLSv1.1 TLSv1.2", repeats=True,
        ),
        Command("ssl_ciphers", HTTP_SERVER, "1", TEXT, "HIGH:!aNULL:!MD5"),
        flag("ssl_prefer_server_ciphers", HTTP_SERVER, "off"),
        Command("ssl_ecdh_curve", HTTP_SERVER, "1", TEXT, "auto"),
        Command("ssl_buffer_size", HTTP_SERVER, "1", SIZE, "16k", status=INERT),
        Command(
            "ssl_verify_client", HTTP_SERVER, "1",
            enum("off", "on", "optional", "optional_no_ca"), "off",
        ),
        Command("ssl_verify_depth", HTTP_SERVER, "1", NUMBER, "1"),
        Command("ssl_client_certificate", HTTP_SERVER, "1", CONF_PATH),
        Command("ssl_trusted_certificate", HTTP_SERVER, "1", CONF_PATH),
        Command("ssl_crl", HTTP_SERVER, "1", CONF_PATH),
        Command(
            "ssl_session_cache", HTTP_SERVER, "1-2",
            Kind("off | none | builtin[:size] | shared:name:size", _read_cache),
        ),
        Command("ssl_session_timeout", HTTP_SERVER, "1", SECONDS, "5m"),
        flag("ssl_session_tickets", HTTP_SERVER, "on"),
        flag("ssl_reject_handshake", HTTP_SERVER, "off"),
        Command("ssl_conf_command", HTTP_SERVER, "2", KEY_VALUE, many=True),
        *(Command(name, HTTP_SERVER, "1", off_only(FLAG), "off", status=INERT)
          for name in ("ssl_stapling", "ssl_stapling_verify")),
        flag("ssl_early_data", HTTP_SERVER, "off", status=INERT),
        Command("ssl_ocsp", HTTP_SERVER, "1", off_only(TEXT), "off", status=INERT),
        *later(
            HTTP_SERVER, "1",
            """ssl_dhparam ssl_session_ticket_key ssl_ocsp_responder ssl_ocsp_cache
            ssl_stapling_file ssl_stapling_responder""",
        ),
    )),
    Module("ngx_http_v2_module", (
        *later(HTTP, "1", "http2_recv_buffer_size"),
        *later(
            HTTP_SERVER, "1",
            """http2_pool_size http2_max_concurrent_streams http2_max_concurrent_pushes
            http2_max_requests http2_max_field_size http2_max_header_size
            http2_body_preread_size http2_streams_index_size http2_recv_timeout
            http2_idle_timeout""",
        ),
        *later(LOCAL, "1", "http2_chunk_size http2_push_preload http2_push"),
    )),
)  # fmt: skip
