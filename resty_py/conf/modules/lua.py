"""The Lua module."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

from ..kinds import (
    CONF_PATH,
    FLAG,
    KEY_VALUE,
    MSEC,
    NUMBER,
    SIZE,
    TEXT,
    enums,
)
from ..lexer import to_bytes
from ..model import Handler, SetByLua
from ..settings import SharedDict
from ..table import Command, Inherit, Kind, Module
from ..values import parse_number, parse_size
from .rewrite import read_variable
from .shorthand import (
    HTTP,
    HTTP_SERVER,
    INERT,
    LATER,
    LOCAL,
    LOCATION,
    LOCATIONS,
    REWRITE,
    UPSTREAM,
    WITH_IF,
    flag,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..reading import Call
    from ..table import Context

__all__ = ["HOOKS", "MODULES", "chunk_name"]

#: The longest chunk name that LuaJIT shows whole, without its ``=``.
MAX_CHUNK_NAME = 56

#: The smallest shared dictionary, in bytes.
MIN_SHARED_DICT = 8192

#: The smallest ``lua_capture_error_log``: NGX_MAX_ERROR_STR.
MIN_ERROR_LOG = 2048

#: The phases with a handler, and where each may stand.
HOOKS: dict[str, Context] = {
    "init": HTTP,
    "init_worker": HTTP,
    "exit_worker": HTTP,
    "server_rewrite": HTTP_SERVER,
    "rewrite": WITH_IF,
    "access": WITH_IF,
    "precontent": WITH_IF,
    "content": LOCATIONS,
    "header_filter": WITH_IF,
    "body_filter": WITH_IF,
    "log": WITH_IF,
    "balancer": UPSTREAM,
    "ssl_client_hello": HTTP_SERVER,
    "ssl_certificate": HTTP_SERVER,
    "ssl_session_fetch": HTTP,
    "ssl_session_store": HTTP,
}

# These have the older form with the code in a string as well.
_STRING_FORM = frozenset(
    {"init", "init_worker", "rewrite", "access", "content", "header_filter",
     "body_filter", "log"}
)  # fmt: skip

# What these call their code does not say where it stands.
_WITHOUT_PLACE = frozenset({"ssl_client_hello"})

# Of these, empty code is no error.
_MAY_BE_EMPTY = frozenset({"init_worker", "exit_worker"})

_LATER_HOOKS: dict[str, Context] = {
    "proxy_ssl_certificate": LOCATION,
    "proxy_ssl_verify": LOCATION,
}


def chunk_name(tag: str, call: Call) -> str:
    """Return the chunk name of code in a configuration.

    It names the directive, and the file relative to the directory of the main
    configuration file; long names lose their beginning:
    ``ngx_http_lua_gen_chunk_name``.

    Args:
        tag: the directive without ``_block``.
        call: where it stands.
    """
    name = call.file
    prefix = call.reading.conf_prefix
    room = MAX_CHUNK_NAME - len(tag) - len(str(call.line))
    if name.endswith("/nginx.conf"):
        name = "nginx.conf"
    else:
        if name.startswith(prefix) and len(name) > len(prefix):
            name = name[len(prefix) :]
        if len(os.fsencode(name)) > room:
            name = "..." + os.fsdecode(os.fsencode(name)[3 - room :])
    return f"={tag}({name}:{call.line})"


def _handler(call: Call, phase: str, code: str) -> Handler:
    """Return the handler that a directive names, in any of its three forms."""
    if call.name.endswith("_file"):
        path = call.template(call.full_name(code) if "$" not in code else code)
        return Handler(phase, "file", None, path, "", call.file, call.line)
    kind = "string" if call.source is None else "block"
    source = to_bytes(code) if call.source is None else call.source
    name = chunk_name(call.name.removesuffix("_block"), call)
    if phase in _WITHOUT_PLACE:
        name = f"={phase}_by_lua"
    return Handler(phase, kind, source, None, name, call.file, call.line)


def _read_hook(phase: str, call: Call) -> Handler:
    if not call.args[0] and phase not in _MAY_BE_EMPTY:
        raise call.error("invalid location config: no runnable Lua code", "error")
    if phase == "content":
        call.block.slots["content_handler"] = ["lua"]
    if phase == "balancer" and {"method", "keepalive"} & call.block.slots.keys():
        call.warn("load balancing method redefined")
    return _handler(call, phase, call.args[0])


def _read_set_by_lua(call: Call) -> SetByLua:
    variable = read_variable(call, call.args[0])
    handler = _handler(call, "set", call.args[1])
    return SetByLua(variable, handler, tuple(map(call.template, call.args[2:])))


def _read_shared_dict(call: Call) -> SharedDict:
    name, text = call.args
    if not name:
        raise call.error(f'invalid lua shared dict name "{name}"')
    try:
        size = parse_size(text)
    except ValueError:
        size = 0
    if size < MIN_SHARED_DICT:
        raise call.error(f'invalid lua shared dict size "{text}"')
    call.claim_zone(name, size, "lua_shared_dict")
    if any(one.name == name for one in call.block.slots.get("lua_shared_dict", ())):
        raise call.error(f'lua_shared_dict "{name}" is already defined as "{name}"')
    return SharedDict(name, size)


def _read_code_cache(call: Call) -> bool:
    value: bool = FLAG.read(call)
    if not value:
        call.warn("lua_code_cache is off; this will hurt performance", "alert")
    return value


def _read_load_resty_core(call: Call) -> str:
    call.warn(
        "lua_load_resty_core is deprecated (the lua-resty-core library is required "
        "since ngx_lua v0.10.16)"
    )
    return call.args[0]


def _read_malloc_trim(call: Call) -> int:
    try:
        return parse_number(call.args[0])
    except ValueError:
        raise call.refused("invalid number in the 1st argument") from None


def _read_capture_error_log(call: Call) -> int:
    text = call.args[0]
    try:
        size = parse_size(text)
    except ValueError:
        size = -1
    if not text:
        raise call.error(f'invalid capture error log size "{text}"')
    if size < MIN_ERROR_LOG:
        raise call.error(
            f'invalid capture error log size "{text}", minimum size is {MIN_ERROR_LOG}'
        )
    return size


def _hook_rows(phase: str, contexts: Context) -> Iterator[Command]:
    kind = Kind("code", lambda call: _read_hook(phase, call))
    rest: dict[str, Any] = {"slot": f"{phase}_by_lua"}
    yield Command(f"{phase}_by_lua_block", contexts, "0", kind, lua=True, **rest)
    if phase in _STRING_FORM:
        yield Command(f"{phase}_by_lua", contexts, "1", kind, **rest)
    path = Kind("path", kind.read)
    yield Command(f"{phase}_by_lua_file", contexts, "1", path, **rest)


def _later_rows(phase: str, contexts: Context) -> Iterator[Command]:
    yield Command(f"{phase}_by_lua_block", contexts, "0", TEXT, lua=True, status=LATER)
    yield Command(f"{phase}_by_lua_file", contexts, "1", TEXT, status=LATER)


_SET: dict[str, Any] = {"slot": "script", "many": True, "inherit": Inherit.NEVER}

_HOOKS = (
    *(row for phase, contexts in HOOKS.items() for row in _hook_rows(phase, contexts)),
    Command(
        "set_by_lua_block", REWRITE, "1", Kind("$variable code", _read_set_by_lua),
        lua=True, **_SET,
    ),
    Command(
        "set_by_lua", REWRITE, "2+", Kind("$variable code [value …]", _read_set_by_lua),
        **_SET,
    ),
    Command(
        "set_by_lua_file", REWRITE, "2+",
        Kind("$variable path [value …]", _read_set_by_lua), **_SET,
    ),
    flag("rewrite_by_lua_no_postpone", HTTP, "off"),
    flag("access_by_lua_no_postpone", HTTP, "off"),
    flag("precontent_by_lua_no_postpone", HTTP, "off"),
    *(row for phase, contexts in _LATER_HOOKS.items()
      for row in _later_rows(phase, contexts)),
    Command("balancer_keepalive", UPSTREAM, "1", NUMBER, status=LATER),
    flag("lua_upstream_skip_openssl_default_verify", LOCATIONS, "off", status=LATER),
)  # fmt: skip

_MACHINE = (
    Command("lua_code_cache", WITH_IF, "1", Kind("on | off", _read_code_cache),
            "on", True),
    Command("lua_package_path", HTTP, "1", TEXT),
    Command("lua_package_cpath", HTTP, "1", TEXT),
    Command(
        "lua_shared_dict", HTTP, "2", Kind("name size", _read_shared_dict), many=True
    ),
    Command(
        "lua_load_resty_core", HTTP, "1", Kind("on | off", _read_load_resty_core),
        "on", "on", repeats=True, status=INERT,
    ),
    Command("lua_thread_cache_max_entries", HTTP, "1", NUMBER, "1024"),
    Command("lua_regex_cache_max_entries", HTTP, "1", NUMBER, "1024"),
    Command("lua_regex_match_limit", HTTP, "1", NUMBER, "0"),
    Command(
        "lua_malloc_trim", HTTP, "1", Kind("number", _read_malloc_trim), "1000", 1000,
        repeats=True, status=INERT,
    ),
    Command("lua_worker_thread_vm_pool_size", HTTP, "1", NUMBER, "100"),
    flag("lua_sa_restart", HTTP, "on"),
    Command(
        "lua_capture_error_log", HTTP, "1", Kind("size", _read_capture_error_log)
    ),
    Command("lua_max_pending_timers", HTTP, "1", NUMBER, "1024"),
    Command("lua_max_running_timers", HTTP, "1", NUMBER, "256"),
)  # fmt: skip

_REQUEST = (
    flag("lua_need_request_body", WITH_IF, "off"),
    flag("lua_use_default_type", WITH_IF, "on"),
    flag("lua_http10_buffering", WITH_IF, "on"),
    flag("lua_transform_underscores_in_response_headers", WITH_IF, "on"),
    flag("lua_check_client_abort", WITH_IF, "off"),
)

_SOCKET = (
    Command("lua_socket_connect_timeout", WITH_IF, "1", MSEC, "60s"),
    Command("lua_socket_send_timeout", WITH_IF, "1", MSEC, "60s"),
    Command("lua_socket_read_timeout", WITH_IF, "1", MSEC, "60s"),
    Command("lua_socket_send_lowat", WITH_IF, "1", SIZE, "0", status=INERT),
    Command(
        "lua_socket_buffer_size", WITH_IF, "1", SIZE, "a page", mmap.PAGESIZE,
        status=INERT,
    ),
    Command("lua_socket_pool_size", WITH_IF, "1", NUMBER, "30"),
    Command("lua_socket_keepalive_timeout", WITH_IF, "1", MSEC, "60s"),
    flag("lua_socket_log_errors", WITH_IF, "on"),
    Command("lua_ssl_ciphers", LOCAL, "1", TEXT, "DEFAULT"),
    Command("lua_ssl_crl", LOCAL, "1", CONF_PATH),
    Command(
        "lua_ssl_protocols", LOCAL, "1+",
        enums("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
        "SSLv3 TLSv1 TLSv1.1 TLSv1.2", repeats=True,
    ),
    Command("lua_ssl_certificate", LOCAL, "1", CONF_PATH),
    Command("lua_ssl_certificate_key", LOCAL, "1", CONF_PATH),
    Command("lua_ssl_trusted_certificate", LOCAL, "1", CONF_PATH),
    Command("lua_ssl_verify_depth", LOCAL, "1", NUMBER, "1"),
    Command("lua_ssl_key_log", LOCAL, "1", CONF_PATH),
    Command("lua_ssl_conf_command", LOCAL, "2", KEY_VALUE, many=True),
)  # fmt: skip

MODULES = (Module("ngx_http_lua_module", (*_HOOKS, *_MACHINE, *_REQUEST, *_SOCKET)),)
