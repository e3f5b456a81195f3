"""The proxy module."""

from __future__ import annotations

import mmap
import re
import socket
from typing import TYPE_CHECKING, Any

from ..kinds import (
    BUFFERS,
    CONF_PATH,
    KEY_VALUE,
    MSEC,
    NUMBER,
    SIZE,
    TEMPLATE,
    TEXT,
    enum,
    enums,
    off_only,
)
from ..listen import check_peer
from ..settings import AddedHeader, CookieFlags, ProxyPass, ProxyRewrite
from ..table import Command, Kind, Module
from .shorthand import (
    HTTP,
    INERT,
    LIMIT_EXCEPT,
    LOCAL,
    LOCATION,
    LOCATIONS,
    flag,
    later,
    temp_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..reading import Call
    from ..template import Template

__all__ = ["MODULES", "buffer_fault"]

#: nginx takes its page size as the default of some buffers.
_PAGE = mmap.PAGESIZE

_DIGITS = re.compile("[0-9]+")

#: The size of what follows from the sizes of buffers.
_FOLLOWS = -1

_AT_LEAST = (
    'must be equal to or greater than the maximum of the value of "proxy_buffer_size" '
    'and one of the "proxy_buffers"'
)

_SCHEMES = ("http://", "https://")
_PORTS = {"http": 80, "https": 443}

_CONDITIONS = (
    "error", "timeout", "invalid_header", "non_idempotent", "updating", "http_500",
    "http_502", "http_503", "http_504", "http_403", "http_404", "http_429", "off",
)  # fmt: skip

_IGNORED = (
    "X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate",
    "X-Accel-Buffering", "X-Accel-Charset", "Expires", "Cache-Control",
    "Set-Cookie", "Vary",
)  # fmt: skip


def _read_pass(call: Call) -> ProxyPass:
    """Read ``proxy_pass``: ``ngx_http_proxy_pass``."""
    if "proxy_pass" in call.block.slots:
        raise call.refused("is duplicate")
    url = call.args[0]
    template = call.template(url)
    if template.constant is None:
        call.block.slots["content_handler"] = ["proxy"]
        return ProxyPass(template)
    if not url.lower().startswith(_SCHEMES):
        raise call.error("invalid URL prefix")
    _check_place(call, url)
    _check_address(call, url)
    call.block.slots["content_handler"] = ["proxy"]
    return ProxyPass(template, _prefix(call))


def _uri_part(url: str) -> str:
    """Return what of an address without variables takes the place of the URI."""
    rest = url.partition("//")[2]
    if rest.lower().startswith("unix:"):
        return rest[len("unix:") :].partition(":")[2]
    cut = min((at for at in map(rest.find, "/?") if at >= 0), default=len(rest))
    return rest[cut:]


def _check_address(call: Call, url: str) -> None:
    scheme, _, rest = url.partition("://")
    address = rest.removesuffix(_uri_part(url))
    if rest.lower().startswith("unix:"):
        address = ":".join(rest.split(":")[:2])
    try:
        check_peer(address, _PORTS[scheme.lower()])
    except ValueError as exc:
        raise call.error(f'{exc} in upstream "{rest}"') from None


def _check_place(call: Call, url: str) -> None:
    head = call.block.head
    has_prefix = call.block.context is LOCATION and getattr(head, "modifier", "") in (
        "",
        "=",
        "^~",
    )
    if _uri_part(url) and not has_prefix:
        raise call.error(
            '"proxy_pass" cannot have URI part in location given by regular '
            "expression, or inside named location, or inside "
            '"if" statement, or inside "limit_except" block'
        )


def _prefix(call: Call) -> str:
    if call.block.context is LOCATION:
        return str(getattr(call.block.head, "pattern", ""))
    return ""


def _read_header(call: Call) -> AddedHeader:
    return AddedHeader(call.args[0], call.template(call.args[1]))


def _is_off(call: Call) -> bool:
    """Tell whether a directive says ``off``, beside which none may stand."""
    said = call.block.slots.get(call.name)
    is_off = call.args == ("off",)
    if said == [] or (is_off and said is not None):
        raise call.refused("is duplicate")
    return is_off


def _or_off(read: Callable[[Call], Any]) -> Callable[[Call], Any]:
    """Return a reader of a directive that is off, or has several arguments.

    Args:
        read: reads several arguments.
    """

    def checked(call: Call) -> Any:
        if _is_off(call):
            return []
        if len(call.args) == 1:
            raise call.error(f'invalid parameter "{call.args[0]}"')
        return read(call)

    return checked


def _read_redirect(call: Call) -> ProxyRewrite | list[ProxyRewrite]:
    """Read ``proxy_redirect``: ``ngx_http_proxy_redirect``."""
    if _is_off(call):
        return []
    if len(call.args) == 1:
        return _read_default_redirect(call)
    return _read_rewrite(call)


def _read_default_redirect(call: Call) -> ProxyRewrite:
    word = call.args[0]
    if word != "default":
        raise call.error(f'invalid parameter "{word}"')
    target: ProxyPass | None = call.block.last("proxy_pass")
    if target is None:
        raise call.error(
            '"proxy_redirect default" should be placed after the "proxy_pass" directive'
        )
    if target.url.constant is None:
        raise call.error(
            '"proxy_redirect default" cannot be used with '
            '"proxy_pass" directive with variables'
        )
    return ProxyRewrite("default")


def _read_rewrite(call: Call) -> ProxyRewrite:
    """Read what a value begins with or matches, and what becomes of it."""
    pattern, replacement = call.args
    if not pattern.startswith("~"):
        prefix = call.template(pattern)
        return ProxyRewrite("pair", prefix, None, call.template(replacement))
    caseless = pattern.startswith("~*")
    regex = call.regex(pattern[2 if caseless else 1 :], caseless)
    return ProxyRewrite("regex", None, regex, call.template(replacement))


def _read_cookie_domain(call: Call) -> ProxyRewrite:
    """Read ``proxy_cookie_domain``: ``ngx_http_proxy_cookie_domain``."""
    pattern, replacement = call.args
    if pattern.startswith("~"):
        regex = call.regex(pattern[1:], caseless=True)
        return ProxyRewrite("regex", None, regex, call.template(replacement))
    domain, other = pattern.removeprefix("."), replacement.removeprefix(".")
    return ProxyRewrite("pair", call.template(domain), None, call.template(other))


def _read_cookie_flags(call: Call) -> CookieFlags:
    """Read ``proxy_cookie_flags``: ``ngx_http_proxy_cookie_flags``."""
    name, *flags = call.args
    is_regex = name.startswith("~")
    return CookieFlags(
        None if is_regex else call.template(name),
        call.regex(name[1:], caseless=True) if is_regex else None,
        tuple(map(call.template, flags)),
    )


def _read_bind(call: Call) -> Template:
    """Read ``proxy_bind``, nothing for off: ``ngx_http_upstream_bind_set_slot``."""
    if call.args == ("off",):
        return call.template("")
    address = call.template(call.args[0])
    if address.constant is not None and not _is_local(address.constant):
        raise call.error(f'invalid address "{call.args[0]}"')
    if len(call.args) == 1:
        return address
    if call.args[1] != "transparent":
        raise call.error(f'invalid parameter "{call.args[1]}"')
    raise call.not_yet(f'"proxy_bind {call.args[0]} transparent"')


def _is_local(text: str) -> bool:
    """Tell whether *text* is a numeric address: ``ngx_parse_addr_port``."""
    if _is_address(text):
        return True
    host, colon, port = text.rpartition(":")
    if host.startswith("["):
        host = host[1:-1] if host.endswith("]") else ""
    elif ":" in host:
        return False
    if not (colon and _is_address(host) and _DIGITS.fullmatch(port)):
        return False
    return 0 < int(port) <= 65535


def _is_address(text: str) -> bool:
    numbers = text.split(".")
    if len(numbers) == 4 and all(map(_DIGITS.fullmatch, numbers)):
        return all(int(number) < 256 for number in numbers)
    try:
        socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return False
    return True


def buffer_fault(settings: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the buffers of a location, or None.

    The end of ``ngx_http_proxy_merge_loc_conf``.
    """
    buffers = settings["proxy_buffers"]
    size = max(settings["proxy_buffer_size"], buffers.size)
    busy = settings["proxy_busy_buffers_size"]
    if buffers.count < 2:
        return 'there must be at least 2 "proxy_buffers"'
    if _FOLLOWS < busy < size:
        return f'"proxy_busy_buffers_size" {_AT_LEAST}'
    if (2 * size if busy == _FOLLOWS else busy) > (buffers.count - 1) * buffers.size:
        return (
            '"proxy_busy_buffers_size" must be less than '
            'the size of all "proxy_buffers" minus one buffer'
        )
    if _FOLLOWS < settings["proxy_temp_file_write_size"] < size:
        return f'"proxy_temp_file_write_size" {_AT_LEAST}'
    if 0 < settings["proxy_max_temp_file_size"] < size:
        return (
            '"proxy_max_temp_file_size" must be equal to zero to disable temporary '
            f"files usage or {_AT_LEAST}"
        )
    return None


def _one(name: str, kind: Kind, default: str | None = None, **more: Any) -> Command:
    return Command(name, LOCAL, "1", kind, default, **more)


MODULES = (
    Module("ngx_http_proxy_module", (
        Command(
            "proxy_pass", LOCATIONS | LIMIT_EXCEPT, "1", Kind("URL", _read_pass),
        ),
        Command(
            "proxy_redirect", LOCAL, "1-2",
            Kind("off | default | text replacement", _read_redirect), "default",
            (ProxyRewrite("default"),), many=True,
        ),
        Command(
            "proxy_cookie_domain", LOCAL, "1-2",
            Kind("off | text replacement", _or_off(_read_cookie_domain)), many=True,
        ),
        Command(
            "proxy_cookie_path", LOCAL, "1-2",
            Kind("off | text replacement", _or_off(_read_rewrite)), many=True,
        ),
        Command(
            "proxy_cookie_flags", LOCAL, "1-4",
            Kind("off | name flag …", _or_off(_read_cookie_flags)), many=True,
        ),
        Command("proxy_bind", LOCAL, "1-2", Kind("address | off", _read_bind)),
        temp_path("proxy_temp_path"),
        _one("proxy_store", off_only(TEXT), "off"),
        _one("proxy_cache", off_only(TEXT), "off"),
        flag("proxy_buffering", LOCAL, "on"),
        flag("proxy_request_buffering", LOCAL, "on"),
        flag("proxy_ignore_client_abort", LOCAL, "off"),
        flag("proxy_socket_keepalive", LOCAL, "off"),
        _one("proxy_connect_timeout", MSEC, "60s"),
        _one("proxy_send_timeout", MSEC, "60s"),
        _one("proxy_read_timeout", MSEC, "60s"),
        _one("proxy_send_lowat", SIZE, "0", status=INERT),
        flag("proxy_intercept_errors", LOCAL, "off"),
        _one("proxy_headers_hash_max_size", NUMBER, "512", status=INERT),
        _one("proxy_headers_hash_bucket_size", NUMBER, "64", status=INERT),
        _one("proxy_set_body", TEMPLATE),
        _one("proxy_method", TEMPLATE),
        flag("proxy_pass_request_headers", LOCAL, "on"),
        flag("proxy_pass_request_body", LOCAL, "on"),
        _one("proxy_buffer_size", SIZE, str(_PAGE)),
        Command(
            "proxy_buffers", LOCAL, "2", BUFFERS, f"8 {_PAGE}", status=INERT,
        ),
        _one(
            "proxy_busy_buffers_size", SIZE, str(2 * _PAGE), initial=_FOLLOWS,
            status=INERT,
        ),
        _one("proxy_max_temp_file_size", SIZE, "1024m", status=INERT),
        _one(
            "proxy_temp_file_write_size", SIZE, str(2 * _PAGE), initial=_FOLLOWS,
            status=INERT,
        ),
        _one("proxy_next_upstream_tries", NUMBER, "0"),
        _one("proxy_next_upstream_timeout", MSEC, "0"),
        Command(
            "proxy_next_upstream", LOCAL, "1+", enums(*_CONDITIONS), "error timeout",
        ),
        _one("proxy_pass_header", TEXT, many=True),
        _one("proxy_hide_header", TEXT, many=True),
        Command("proxy_ignore_headers", LOCAL, "1+", enums(*_IGNORED)),
        _one("proxy_http_version", enum("1.0", "1.1"), "1.0"),
        Command(
            "proxy_set_header", LOCAL, "2", Kind("name value", _read_header),
            many=True,
        ),

        *later(
            LOCAL, "1",
            """proxy_force_ranges proxy_limit_rate proxy_cache_key
            proxy_cache_min_uses proxy_cache_max_range_offset
            proxy_cache_lock proxy_cache_lock_timeout proxy_cache_lock_age
            proxy_cache_revalidate proxy_cache_convert_head
            proxy_cache_background_update proxy_ssl_password_file""",
        ),
        *later(LOCAL, "1-3", "proxy_store_access"),
        *later(HTTP, "2+", "proxy_cache_path"),
        *later(
            LOCAL, "1+",
            """proxy_cache_bypass proxy_no_cache proxy_cache_valid
            proxy_cache_use_stale proxy_cache_methods""",
        ),
        flag("proxy_ssl_session_reuse", LOCAL, "on"),
        Command(
            "proxy_ssl_protocols", LOCAL, "1+",
            enums("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
            "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
        ),
        _one("proxy_ssl_ciphers", TEXT, "DEFAULT"),
        _one("proxy_ssl_name", TEMPLATE),
        flag("proxy_ssl_server_name", LOCAL, "off"),
        flag("proxy_ssl_verify", LOCAL, "off"),
        _one("proxy_ssl_verify_depth", NUMBER, "1"),
        _one("proxy_ssl_trusted_certificate", CONF_PATH),
        _one("proxy_ssl_crl", CONF_PATH),
        _one("proxy_ssl_certificate", CONF_PATH),
        _one("proxy_ssl_certificate_key", CONF_PATH),
        Command("proxy_ssl_conf_command", LOCAL, "2", KEY_VALUE, many=True),
    )),
)  # fmt: skip
