"""The http core module."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from ..kinds import (
    BUFFERS,
    MSEC,
    NOTHING,
    NUMBER,
    OFFSET,
    SECONDS,
    SIZE,
    TEMP_PATH,
    TEMPLATE_SIZE,
    TEXT,
    enum,
    enums,
)
from ..listen import read_listen
from ..readers import (
    read_aio,
    read_directio,
    read_disable_symlinks,
    read_error_page,
    read_keepalive_timeout,
    read_limit_except,
    read_location,
    read_open_file_cache,
    read_pool_size,
    read_resolver,
    read_root,
    read_server_name,
    read_type,
)
from ..table import Command, Inherit, Kind, Module
from .core import BLOCK, HTTP_ERROR_LOG
from .shorthand import (
    HTTP,
    HTTP_SERVER,
    INERT,
    LATER,
    LIMIT_EXCEPT,
    LOCAL,
    LOCATION,
    MAIN,
    SERVER,
    WITH_IF,
    flag,
)

if TYPE_CHECKING:
    from ..reading import Call
    from ..regex import Regex

__all__ = ["MODULES"]

# nginx takes its page size as the default of some buffers.
_PAGE = mmap.PAGESIZE

_POOL = Kind("size", read_pool_size, int)

_DEFAULT_TYPES = {"html": "text/html", "gif": "image/gif", "jpg": "image/jpeg"}


def _open_types(call: Call) -> None:
    """Let ``types`` add to what the same block said before."""
    call.block.slots.setdefault("types", [{}])


_STRUCTURE = (
    Command("http", MAIN, "0", BLOCK, inside=HTTP),
    Command("server", HTTP, "0", NOTHING, inside=SERVER, many=True),
    Command(
        "location", SERVER | LOCATION, "1-2",
        Kind("[= | ~ | ~* | ^~] uri, or @name", read_location),
        inside=LOCATION, many=True, inherit=Inherit.NEVER,
    ),
    Command(
        "limit_except", LOCATION, "1+", Kind("method …", read_limit_except),
        inside=LIMIT_EXCEPT, inherit=Inherit.NEVER,
    ),
    Command(
        "listen", SERVER, "1+", Kind("address [parameter …]", read_listen), many=True
    ),
    Command("server_name", SERVER, "1+", Kind("name …", read_server_name), many=True),
)  # fmt: skip

_CONNECTION = (
    Command("client_header_timeout", HTTP_SERVER, "1", MSEC, "60s"),
    Command("client_header_buffer_size", HTTP_SERVER, "1", SIZE, "1k"),
    Command("large_client_header_buffers", HTTP_SERVER, "2", BUFFERS, "4 8k"),
    flag("ignore_invalid_headers", HTTP_SERVER, "on"),
    flag("merge_slashes", HTTP_SERVER, "on"),
    flag("underscores_in_headers", HTTP_SERVER, "off"),
    Command("keepalive_time", LOCAL, "1", MSEC, "1h"),
    Command(
        "keepalive_timeout", LOCAL, "1-2",
        Kind("time [time of the header]", read_keepalive_timeout),
        "75s", (75.0, 0),
    ),
    Command("keepalive_requests", LOCAL, "1", NUMBER, "1000"),
    Command(
        "keepalive_disable", LOCAL, "1-2", enums("none", "msie6", "safari"), "msie6",
        status=INERT,
    ),
    Command("send_timeout", LOCAL, "1", MSEC, "60s"),
    Command(
        "lingering_close", LOCAL, "1", enum("off", "on", "always"), "on"
    ),
    Command("lingering_time", LOCAL, "1", MSEC, "30s"),
    Command("lingering_timeout", LOCAL, "1", MSEC, "5s"),
    flag("reset_timedout_connection", LOCAL, "off", status=INERT),
    flag("tcp_nodelay", LOCAL, "on"),
    flag("tcp_nopush", LOCAL, "off", status=INERT),
)  # fmt: skip

_REQUEST = (
    Command("client_max_body_size", LOCAL, "1", OFFSET, "1m"),
    Command("client_body_buffer_size", LOCAL, "1", SIZE, "two pages", 2 * _PAGE),
    Command("client_body_timeout", LOCAL, "1", MSEC, "60s"),
    Command("client_body_temp_path", LOCAL, "1-4", TEMP_PATH, "client_body_temp"),
    Command(
        "client_body_in_file_only", LOCAL, "1", enum("off", "on", "clean"), "off"
    ),
    flag("client_body_in_single_buffer", LOCAL, "off", status=INERT),
    Command("internal", LOCATION, "0", NOTHING, initial=False),
    Command("satisfy", LOCAL, "1", enum("all", "any"), "all"),
    Command("auth_delay", LOCAL, "1", MSEC, "0s"),
    Command(
        "resolver", LOCAL, "1+",
        Kind("address … [valid=time] [ipv6=on | off]", read_resolver),
    ),
    Command("resolver_timeout", LOCAL, "1", MSEC, "30s"),
)  # fmt: skip

_RESPONSE = (
    Command(
        "root", WITH_IF, "1", Kind("path", read_root), "html", repeats=True
    ),
    Command(
        "alias", LOCATION, "1", Kind("path", read_root), slot="root", repeats=True
    ),
    Command(
        "types", LOCAL, "0", Kind("", _open_types), entry=read_type, repeats=True,
        initial=_DEFAULT_TYPES,
    ),
    Command("default_type", LOCAL, "1", TEXT, "text/plain"),
    Command(
        "error_page", WITH_IF, "2+", Kind("code … [=[code]] uri", read_error_page),
        many=True,
    ),
    flag("recursive_error_pages", LOCAL, "off"),
    Command("server_tokens", LOCAL, "1", enum("off", "on", "build"), "on"),
    flag("etag", LOCAL, "on"),
    Command(
        "if_modified_since", LOCAL, "1", enum("off", "exact", "before"), "exact"
    ),
    Command("max_ranges", LOCAL, "1", NUMBER, initial=2**31 - 1),
    flag("chunked_transfer_encoding", LOCAL, "on"),
    Command("limit_rate", WITH_IF, "1", TEMPLATE_SIZE, "0"),
    Command("limit_rate_after", WITH_IF, "1", TEMPLATE_SIZE, "0"),
    Command("postpone_output", LOCAL, "1", SIZE, "1460"),
    flag("absolute_redirect", LOCAL, "on"),
    flag("server_name_in_redirect", LOCAL, "off"),
    flag("port_in_redirect", LOCAL, "on"),
    flag("log_not_found", LOCAL, "on"),
    flag("log_subrequest", LOCAL, "off"),
    HTTP_ERROR_LOG,
    Command(
        "disable_symlinks", LOCAL, "1-2",
        Kind("off | on | if_not_owner [from=path]", read_disable_symlinks),
        "off", ("off", None),
    ),
    flag("msie_padding", LOCAL, "on", status=INERT),
    flag("msie_refresh", LOCAL, "off", status=INERT),
    Command("post_action", WITH_IF, "1", TEXT, status=LATER),
    Command(
        "subrequest_output_buffer_size", LOCAL, "1", SIZE, "a page", _PAGE,
        status=INERT,
    ),
)  # fmt: skip

_MACHINERY = (
    Command("connection_pool_size", HTTP_SERVER, "1", _POOL, initial=512, status=INERT),
    Command("request_pool_size", HTTP_SERVER, "1", _POOL, initial=4096, status=INERT),
    Command("variables_hash_max_size", HTTP, "1", NUMBER, "1024", status=INERT),
    Command("variables_hash_bucket_size", HTTP, "1", NUMBER, "64", status=INERT),
    Command("server_names_hash_max_size", HTTP, "1", NUMBER, "512", status=INERT),
    Command("server_names_hash_bucket_size", HTTP, "1", NUMBER, "64", status=INERT),
    Command("types_hash_max_size", LOCAL, "1", NUMBER, "1024", status=INERT),
    Command("types_hash_bucket_size", LOCAL, "1", NUMBER, "64", status=INERT),
    flag("sendfile", WITH_IF, "off", status=INERT),
    Command("sendfile_max_chunk", LOCAL, "1", SIZE, "2m", status=INERT),
    Command(
        "aio", LOCAL, "1", Kind("on | off | threads[=pool]", read_aio), "off", "off",
        status=INERT,
    ),
    flag("aio_write", LOCAL, "off", status=INERT),
    Command("read_ahead", LOCAL, "1", SIZE, "0", status=INERT),
    Command("directio", LOCAL, "1", Kind("size | off", read_directio), status=INERT),
    Command("directio_alignment", LOCAL, "1", OFFSET, "512", status=INERT),
    Command("send_lowat", LOCAL, "1", SIZE, "0", status=INERT),
    Command(
        "open_file_cache", LOCAL, "1-2",
        Kind("off | max=n [inactive=time]", read_open_file_cache),
        status=INERT,
    ),
    Command("open_file_cache_valid", LOCAL, "1", SECONDS, "60s", status=INERT),
    Command("open_file_cache_min_uses", LOCAL, "1", NUMBER, "1", status=INERT),
    flag("open_file_cache_errors", LOCAL, "off", status=INERT),
    flag("open_file_cache_events", LOCAL, "off", status=INERT),
    Command("output_buffers", LOCAL, "2", BUFFERS, "2 32k"),
)  # fmt: skip

#: What ``gzip_disable`` has a word for.
_OLD_MSIE = "msie6"


def _read_disabled(call: Call) -> list[str | Regex]:
    """Read which user agents get nothing compressed: ``ngx_http_gzip_disable``."""
    return [
        arg if arg == _OLD_MSIE else call.regex(arg, caseless=True) for arg in call.args
    ]


_COMPRESSION = (
    flag("gzip_vary", LOCAL, "off"),
    Command("gzip_http_version", LOCAL, "1", enum("1.0", "1.1"), "1.1"),
    Command(
        "gzip_proxied", LOCAL, "1+",
        enums(
            "off", "expired", "no-cache", "no-store", "private", "no_last_modified",
            "no_etag", "auth", "any",
        ),
        "off",
    ),
    Command(
        "gzip_disable", LOCAL, "1+", Kind("regex …", _read_disabled), many=True
    ),
)  # fmt: skip

MODULES = (
    Module(
        "ngx_http_core_module",
        (
            *_STRUCTURE,
            *_CONNECTION,
            *_REQUEST,
            *_RESPONSE,
            *_MACHINERY,
            *_COMPRESSION,
        ),
    ),
)
