"""Readers of the http core module's directives that no common kind fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .kinds import SIZE
from .listen import parse_addresses
from .model import ServerName
from .settings import ErrorPage, Resolver, Root
from .table import names
from .template import Template
from .values import parse_number, parse_offset, parse_seconds, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import Call
    from .regex import Regex

__all__ = [
    "LocationHead",
    "read_aio",
    "read_directio",
    "read_disable_symlinks",
    "read_error_page",
    "read_keepalive_timeout",
    "read_limit_except",
    "read_location",
    "read_open_file_cache",
    "read_pool_size",
    "read_resolver",
    "read_root",
    "read_server_name",
    "read_type",
]

#: The port of a name server that names none.
DNS_PORT = 53

METHODS = names(
    """GET HEAD POST PUT DELETE MKCOL COPY MOVE OPTIONS PROPFIND PROPPATCH LOCK
    UNLOCK PATCH"""
)

# Codes of nginx's own that are told to the client as 400.
_BAD_REQUESTS = frozenset({494, 495, 496, 497})


@dataclass(frozen=True)
class LocationHead:
    """What a ``location`` says before its block.

    Attributes:
        modifier: as :attr:`Location.modifier`.
        pattern: the prefix, name or regular expression.
        regex: the regular expression, or None.
    """

    modifier: str
    pattern: str
    regex: Regex | None


def read_location(call: Call) -> LocationHead:
    """Read the head of a location: ``ngx_http_core_location``."""
    head = _location_head(call)
    opener = call.block.opener
    if opener is not None and opener.name == "location":
        _check_nesting(call, head, call.block.head)
    return head


def _location_head(call: Call) -> LocationHead:
    if len(call.args) == 2:
        modifier, pattern = call.args
        if modifier not in ("=", "^~", "~", "~*"):
            raise call.error(f'invalid location modifier "{modifier}"')
        return _located_by(call, modifier, pattern)
    text = call.args[0]
    for modifier in ("=", "^~", "~*", "~"):
        if text.startswith(modifier):
            return _located_by(call, modifier, text[len(modifier) :])
    return LocationHead("@" if text.startswith("@") else "", text, None)


def _located_by(call: Call, modifier: str, pattern: str) -> LocationHead:
    if not modifier.startswith("~"):
        return LocationHead(modifier, pattern, None)
    return LocationHead(modifier, pattern, call.regex(pattern, modifier == "~*"))


def _check_nesting(call: Call, inner: LocationHead, outer: LocationHead) -> None:
    kinds = {"=": "exact", "@": "named"}
    if outer.modifier in kinds:
        raise call.error(
            f'location "{inner.pattern}" cannot be inside '
            f'the {kinds[outer.modifier]} location "{outer.pattern}"'
        )
    if inner.modifier == "@":
        raise call.error(
            f'named location "{inner.pattern}" can be on the server level only'
        )
    if inner.regex is None and not inner.pattern.startswith(outer.pattern):
        raise call.error(
            f'location "{inner.pattern}" is outside location "{outer.pattern}"'
        )


def read_server_name(call: Call) -> list[ServerName]:
    """Read names: ``ngx_http_core_server_name``."""
    return [_server_name(call, name) for name in call.args]


def _server_name(call: Call, name: str) -> ServerName:
    if (name.startswith("*") and (len(name) < 3 or name[1] != ".")) or name == ".":
        raise call.error(f'server name "{name}" is invalid')
    if "/" in name:
        call.warn(f'server name "{name}" has suspicious symbols')
    if name.lower() == "$hostname":
        return ServerName(call.reading.hostname)
    if not name.startswith("~"):
        return ServerName(name.lower())
    pattern = name[1:]
    if not pattern:
        raise call.error(f'empty regex in server name "{name}"')
    caseless = any("A" <= letter <= "Z" for letter in pattern)
    return ServerName(pattern, call.regex(pattern, caseless))


def read_root(call: Call) -> Root:
    """Read ``root`` and ``alias``: ``ngx_http_core_root``."""
    alias = call.name == "alias"
    earlier = call.block.last("root")
    if earlier is not None and earlier.alias == alias:
        raise call.refused("is duplicate")
    if earlier is not None:
        other = "alias" if earlier.alias else "root"
        raise call.refused(f'is duplicate, "{other}" directive was specified earlier')
    head = call.block.head
    if alias and isinstance(head, LocationHead) and head.modifier == "@":
        raise call.error(
            'the "alias" directive cannot be used inside the named location'
        )
    prefix = None
    if alias and isinstance(head, LocationHead) and head.regex is None:
        prefix = head.pattern
    return Root(_root_path(call, alias), alias, prefix)


def _root_path(call: Call, alias: bool) -> Template:
    path = call.args[0]
    for name in ("document_root", "realpath_root"):
        if f"${name}" in path or f"${{{name}}}" in path:
            raise call.error(
                f'the ${name} variable cannot be used in the "{call.name}" directive'
            )
    if not alias and path.endswith("/"):
        path = path[:-1] or "/"
    if not path.startswith("$"):
        path = call.full_name(path)
    return call.template(path if path != "/" or alias else "")


def read_limit_except(call: Call) -> frozenset[str]:
    """Read the methods of ``limit_except``; GET brings HEAD along."""
    for method in call.args:
        if method.upper() not in METHODS:
            raise call.error(f'invalid method "{method}"')
    methods = frozenset(method.upper() for method in call.args)
    return methods | {"HEAD"} if "GET" in methods else methods


def read_error_page(call: Call) -> list[ErrorPage]:
    """Read ``error_page``: ``ngx_http_core_error_page``."""
    *codes, uri = call.args
    overwrite: int | None = None
    if codes[-1].startswith("="):
        overwrite = _overwrite(call, codes)
        codes.pop()
    target, args = call.template(uri), ""
    if target.constant is not None and uri.startswith("/") and "?" in uri:
        path, _, args = uri.partition("?")
        target = Template((path,))
    return [_error_page(call, code, overwrite, target, args) for code in codes]


def _overwrite(call: Call, codes: list[str]) -> int:
    text = codes[-1][1:]
    try:
        value = parse_number(text) if text else 0
    except ValueError:
        value = -1
    if value < 0 or len(codes) == 1:
        raise call.error(f'invalid value "{codes[-1]}"')
    return value


def _error_page(
    call: Call, code: str, overwrite: int | None, target: Template, args: str
) -> ErrorPage:
    try:
        status = parse_number(code)
    except ValueError:
        status = 499
    if status == 499:
        raise call.error(f'invalid value "{code}"')
    if not 300 <= status <= 599:
        raise call.error(f'value "{code}" must be between 300 and 599')
    if overwrite is None and status in _BAD_REQUESTS:
        overwrite = 400
    return ErrorPage(status, overwrite, target, args)


def read_keepalive_timeout(call: Call) -> tuple[float, int]:
    """Read the timeout and that of the header: ``ngx_http_core_keepalive``."""
    try:
        header = parse_seconds(call.args[1]) if len(call.args) > 1 else 0
        return parse_time(call.args[0]), header
    except ValueError:
        raise call.refused("invalid value") from None


def read_resolver(call: Call) -> Resolver:
    """Read name servers: ``ngx_resolver_create``."""
    servers: list[tuple[str, int]] = []
    valid, ipv6 = 0, True
    for arg in call.args:
        if arg.startswith("valid="):
            valid = _parameter(call, arg, parse_seconds)
        elif arg.startswith("ipv6="):
            ipv6 = _parameter(call, arg, {"on": True, "off": False}.__getitem__)
        else:
            servers += _name_servers(call, arg)
    if not servers:
        raise call.error("no name servers defined")
    return Resolver(tuple(servers), valid, ipv6)


def _parameter(call: Call, arg: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(arg.partition("=")[2])
    except (ValueError, KeyError):
        raise call.error(f"invalid parameter: {arg}") from None


def _name_servers(call: Call, text: str) -> list[tuple[str, int]]:
    try:
        addresses = parse_addresses(text, DNS_PORT, listen=False)
    except ValueError as exc:
        raise call.error(f'{exc} in resolver "{text}"') from None
    return [(address.host, address.port) for address in addresses]


def read_type(opener: Call, line: Call) -> None:
    """Read a line of ``types``: ``ngx_http_core_type``."""
    if line.name == "include":
        raise line.error('invalid number of arguments in "include" directive')
    types: dict[str, str] = opener.block.slots["types"][0]
    for extension in map(str.lower, line.args):
        if extension in types:
            line.warn(
                f'duplicate extension "{extension}", content type: "{line.name}", '
                f'previous content type: "{types[extension]}"'
            )
        types[extension] = line.name


def read_aio(call: Call) -> str:
    """Read ``aio``: ``ngx_http_core_set_aio``."""
    value = call.args[0]
    if value in ("on", "off", "threads"):
        return value
    if not value.startswith("threads="):
        raise call.refused("invalid value")
    call.template(value.removeprefix("threads="))
    return value


def read_directio(call: Call) -> int | None:
    """Read ``directio``: a size, or None for ``off``."""
    try:
        return None if call.args[0] == "off" else parse_offset(call.args[0])
    except ValueError:
        raise call.refused("invalid value") from None


def read_open_file_cache(call: Call) -> tuple[str, ...]:
    """Read ``open_file_cache`` and ``open_log_file_cache``."""
    for arg in call.args:
        if not _is_cache_parameter(call, arg):
            raise call.error(f'invalid "{call.name}" parameter "{arg}"')
    size = [parse_number(arg[4:]) for arg in call.args if arg.startswith("max=")]
    if "off" not in call.args and not any(size[-1:]):
        the = "the " if call.name == "open_file_cache" else ""
        raise call.error(f'"{call.name}" must have {the}"max" parameter')
    return call.args


def _is_cache_parameter(call: Call, arg: str) -> bool:
    name, equals, text = arg.partition("=")
    parsers: dict[str, Callable[[str], int]] = {
        "max": parse_number,
        "inactive": parse_seconds,
    }
    if call.name == "open_log_file_cache":
        parsers |= {"min_uses": parse_number, "valid": parse_seconds}
    if arg == "off":
        return True
    least = 1 if (call.name, name) == ("open_file_cache", "max") else 0
    try:
        return bool(equals) and name in parsers and parsers[name](text) >= least
    except ValueError:
        return False


def read_disable_symlinks(call: Call) -> tuple[str, Template | None]:
    """Read the policy and the part of the path that is trusted."""
    policy: str | None = None
    trusted: Template | None = None
    for arg in call.args:
        if arg in ("off", "on", "if_not_owner"):
            policy = arg
        elif arg.startswith("from="):
            trusted = call.template(arg.removeprefix("from="))
        else:
            raise call.error(f'invalid parameter "{arg}"')
    return _checked_symlinks(call, policy, trusted), trusted


def _checked_symlinks(call: Call, policy: str | None, trusted: Template | None) -> str:
    if policy is None:
        raise call.error(
            f'"{call.name}" must have "off", "on" or "if_not_owner" parameter'
        )
    if len(call.args) == 2 and trusted is None:
        raise call.error(f'duplicate parameters "{call.args[0]} {call.args[1]}"')
    if trusted is not None and policy == "off":
        raise call.error('"from=" cannot be used with "off" parameter')
    return policy


def read_pool_size(call: Call) -> int:
    """Read the size of a memory pool: ``ngx_http_core_pool_size``."""
    size: int = SIZE.read(call)
    if size < MIN_POOL_SIZE:
        raise call.error(f"the pool size must be no less than {MIN_POOL_SIZE}")
    if size % POOL_ALIGNMENT:
        raise call.error(f"the pool size must be a multiple of {POOL_ALIGNMENT}")
    return size


#: NGX_MIN_POOL_SIZE and NGX_POOL_ALIGNMENT on 64 bits.
MIN_POOL_SIZE = 112
POOL_ALIGNMENT = 16
