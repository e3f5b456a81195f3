"""Whose address a client tells: the realip module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kinds import TEXT
from ..listen import parse_network, resolve
from ..table import Command, Kind, Module
from .shorthand import LOCAL, flag

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]


def _read_from(call: Call) -> list[str]:
    """Read who is believed: ``ngx_http_realip_from``."""
    text = call.args[0]
    if text == "unix:":
        return [text]
    try:
        network, exact = parse_network(text)
    except ValueError:
        return _hosts(call, text)
    if not exact:
        call.warn(f"low address bits of {text} are meaningless")
    return [network]


def _hosts(call: Call, name: str) -> list[str]:
    try:
        return [address.host for address in resolve(name)]
    except ValueError as exc:
        raise call.error(f'{exc} in set_real_ip_from "{name}"') from None


MODULES = (
    Module("ngx_http_realip_module", (
        Command(
            "set_real_ip_from", LOCAL, "1",
            Kind("address | network | name | unix:", _read_from), many=True,
        ),
        Command("real_ip_header", LOCAL, "1", TEXT, "X-Real-IP"),
        flag("real_ip_recursive", LOCAL, "off"),
    )),
)  # fmt: skip
