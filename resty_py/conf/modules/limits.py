"""How much clients may ask for: the limit_req and limit_conn modules."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

from ..kinds import FLAG, enum, number
from ..settings import LimitConn, LimitReq, LimitZone
from ..table import Command, Kind, Module
from ..values import MAX_INT, parse_number, parse_size
from .shorthand import HTTP, LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..reading import Call

__all__ = ["MODULES"]

#: A zone has eight pages at least.
_MIN_ZONE = 8 * mmap.PAGESIZE

#: Requests are counted in thousandths.
_UNIT = 1000

#: What ``nodelay`` says: no number of requests is delayed.
_NO_DELAY = MAX_INT // _UNIT

#: Connections are counted in two bytes.
_MAX_CONNECTIONS = 65535

#: Seconds that a rate is for.
_SCALES = {"r/s": 1, "r/m": 60}


# Zones ------------------------------------------------------------------------


def _read_zone(call: Call) -> LimitZone:
    """Read a zone: ``ngx_http_limit_req_zone`` and its like."""
    key = call.template(call.args[0])
    given: dict[str, Any] = {}
    for arg in call.args[1:]:
        name, equals, value = arg.partition("=")
        if not equals or name not in _ZONE_PARAMETERS[call.name]:
            raise call.error(f'invalid parameter "{arg}"')
        given |= _ZONE_PARAMETERS[call.name][name](call, arg, value)
    if not given.get("name"):
        raise call.error(f'"{call.name}" must have "zone" parameter')
    use = call.name.removesuffix("_zone")
    call.claim_zone(given["name"], given["size"], use)
    for zone in call.block.slots.get("limit_zones", ()):
        if zone.name == given["name"]:
            raise call.error(
                f'{call.name} "{zone.name}" is already bound to key "{zone.key_text}"'
            )
    return LimitZone(use=use, key=key, key_text=call.args[0], **given)


def _zone_parameter(call: Call, arg: str, value: str) -> dict[str, Any]:
    name, _, text = value.partition(":")
    try:
        size = parse_size(text)
    except ValueError:
        raise call.error(f'invalid zone size "{arg}"') from None
    if size < _MIN_ZONE:
        raise call.error(f'zone "{arg}" is too small')
    return {"name": name, "size": size}


def _rate_parameter(call: Call, arg: str, value: str) -> dict[str, Any]:
    scale = _SCALES.get(arg[-3:])
    text = value[:-3] if scale else value
    rate = _positive(call, text, f'invalid rate "{arg}"')
    return {"rate": rate * _UNIT // (scale or 1)}


def _positive(call: Call, text: str, complaint: str) -> int:
    try:
        value = parse_number(text)
    except ValueError:
        value = 0
    if value == 0:
        raise call.error(complaint)
    return value


_ZONE_PARAMETERS: dict[str, dict[str, Callable[[Call, str, str], dict[str, Any]]]] = {
    "limit_req_zone": {"zone": _zone_parameter, "rate": _rate_parameter},
    "limit_conn_zone": {"zone": _zone_parameter},
}


# Limits -----------------------------------------------------------------------


def _read_limit_req(call: Call) -> LimitReq:
    """Read a limit: ``ngx_http_limit_req``."""
    given: dict[str, Any] = {}
    for arg in call.args:
        given |= _req_parameter(call, arg)
    if "zone" not in given:
        raise call.error(f'"{call.name}" must have "zone" parameter')
    limit = LimitReq(**given)
    _check_duplicate(call, limit.zone)
    return limit


def _req_parameter(call: Call, arg: str) -> dict[str, Any]:
    name, equals, value = arg.partition("=")
    if arg == "nodelay":
        return {"delay": _NO_DELAY * _UNIT}
    if equals and name == "zone":
        call.claim_zone(value, 0, "limit_req")
        return {"zone": value}
    if equals and name in ("burst", "delay"):
        count = _positive(call, value, f'invalid {name} value "{arg}"')
        return {name: min(count, _NO_DELAY) * _UNIT}
    raise call.error(f'invalid parameter "{arg}"')


def _read_limit_conn(call: Call) -> LimitConn:
    """Read a limit: ``ngx_http_limit_conn``."""
    zone, text = call.args
    call.claim_zone(zone, 0, "limit_conn")
    _check_duplicate(call, zone)
    most = _positive(call, text, f'invalid number of connections "{text}"')
    if most > _MAX_CONNECTIONS:
        raise call.error("connection limit must be less 65536")
    return LimitConn(zone, most)


def _check_duplicate(call: Call, zone: str) -> None:
    if any(limit.zone == zone for limit in call.block.slots.get(call.name, ())):
        raise call.refused("is duplicate")


_LEVELS = enum("info", "notice", "warn", "error")
_STATUS = number(400, 599)

MODULES = (
    Module("ngx_http_limit_req_module", (
        Command(
            "limit_req_zone", HTTP, "3",
            Kind("key zone=name:size rate=nr/s | nr/m", _read_zone),
            slot="limit_zones", many=True,
        ),
        Command(
            "limit_req", LOCAL, "1-3",
            Kind("zone=name [burst=n] [nodelay | delay=n]", _read_limit_req),
            many=True,
        ),
        Command("limit_req_log_level", LOCAL, "1", _LEVELS, "error"),
        Command("limit_req_status", LOCAL, "1", _STATUS, "503"),
        Command("limit_req_dry_run", LOCAL, "1", FLAG, "off"),
    )),
    Module("ngx_http_limit_conn_module", (
        Command(
            "limit_conn_zone", HTTP, "2", Kind("key zone=name:size", _read_zone),
            slot="limit_zones", many=True,
        ),
        Command(
            "limit_conn", LOCAL, "2", Kind("zone number", _read_limit_conn), many=True
        ),
        Command("limit_conn_log_level", LOCAL, "1", _LEVELS, "error"),
        Command("limit_conn_status", LOCAL, "1", _STATUS, "503"),
        Command("limit_conn_dry_run", LOCAL, "1", FLAG, "off"),
    )),
)  # fmt: skip
