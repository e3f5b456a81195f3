"""Whose links are followed: the referer module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfError, located
from ..hostnames import Hostnames, is_hostname
from ..kinds import NUMBER
from ..settings import Referer
from ..table import Command, Kind, Module
from .shorthand import INERT, LOCATION, SERVER

if TYPE_CHECKING:
    from ..model import ServerName
    from ..reading import Block, Call

__all__ = ["MODULES", "check_referers"]

_WORDS = ("none", "blocked", "server_names")


def _read_referers(call: Call) -> list[Referer]:
    """Read whose links are valid: ``ngx_http_valid_referers``."""
    names = Hostnames()
    for earlier in call.block.slots.get("valid_referers", ()):
        if earlier.kind == "name":
            names.add(earlier.name)
    return [_referer(call, arg, names) for arg in call.args]


def _referer(call: Call, arg: str, names: Hostnames) -> Referer:
    if not arg:
        raise call.error('invalid referer ""')
    if arg in _WORDS:
        return Referer(arg)
    if arg == "~":
        raise call.error('empty regex in "~"')
    if arg.startswith("~"):
        regex = call.regex(arg[1:], caseless=True, defines=False)
        return Referer("regex", regex=regex)
    name, slash, path = arg.partition("/")
    try:
        _add(names, name)
    except ValueError as exc:
        raise call.error(str(exc)) from None
    return Referer("name", name.lower(), slash + path)


def _add(names: Hostnames, name: str) -> None:
    if not is_hostname(name):
        raise ValueError(f'invalid hostname or wildcard "{name}"')
    if not names.add(name.lower()):
        raise ValueError(f'conflicting parameter "{name.lower()}"')


def check_referers(http: Block, block: Block, server: tuple[ServerName, ...]) -> None:
    """Look at what a block says, with the names of its server, when http is complete.

    Raises:
        ConfError: names clash, or there is none beside ``none`` and ``blocked``.
    """
    for inner in block.slots.get("location", ()):
        check_referers(http, inner, server)
    given: list[Referer] = block.slots.get("valid_referers", [])
    words = {one.kind for one in given}
    hosts = [one.name for one in given if one.kind == "name"]
    if "server_names" in words:
        hosts += [name.name for name in server if name.regex is None]
    if not hosts and words & {"none", "blocked"}:
        raise ConfError(
            'the "none" or "blocked" referers are specified in the '
            '"valid_referers" directive without any valid referer'
        )
    names = Hostnames()
    try:
        for name in hosts:
            _add(names, name)
    except ValueError as exc:
        assert http.opener is not None
        raise ConfError(located(str(exc), http.opener.file, http.end_line)) from None


_BLOCKS = SERVER | LOCATION

MODULES = (
    Module("ngx_http_referer_module", (
        Command(
            "valid_referers", _BLOCKS, "1+",
            Kind(
                "none | blocked | server_names | name[/path] | ~regex …",
                _read_referers,
            ),
            many=True,
        ),
        Command(
            "referer_hash_max_size", _BLOCKS, "1", NUMBER, "2048", status=INERT
        ),
        Command(
            "referer_hash_bucket_size", _BLOCKS, "1", NUMBER, "64", status=INERT
        ),
    )),
)  # fmt: skip
