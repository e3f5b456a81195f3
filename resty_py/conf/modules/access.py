"""Who may come in: the access, auth_basic and auth_request modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kinds import TEMPLATE
from ..listen import parse_network
from ..model import Set
from ..settings import AccessRule, UserFile
from ..table import Command, Kind, Module
from .rewrite import read_variable
from .shorthand import LOCAL, WITH_LIMIT

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]


def _read_rule(call: Call) -> AccessRule:
    text = call.args[0]
    source = text if text in ("all", "unix:") else _network(call, text)
    return AccessRule(call.name == "allow", source)


def _network(call: Call, text: str) -> str:
    try:
        network, exact = parse_network(text)
    except ValueError:
        raise call.error(f'invalid parameter "{text}"') from None
    if not exact:
        call.warn(f"low address bits of {text} are meaningless")
    return network


def _read_set(call: Call) -> Set:
    variable = read_variable(call, call.args[0])
    return Set(variable, call.template(call.args[1]))


def _read_user_file(call: Call) -> UserFile:
    return UserFile(call.template(call.args[0]), call.reading.conf_prefix)


def _read_uri(call: Call) -> str:
    return "" if call.args[0] == "off" else call.args[0]


_REALM = Kind("realm | off", TEMPLATE.read)
_KIND = Kind("address | network | unix: | all", _read_rule)

MODULES = (
    Module(
        "ngx_http_access_module",
        tuple(
            Command(name, WITH_LIMIT, "1", _KIND, slot="access_rules", many=True)
            for name in ("allow", "deny")
        ),
    ),
    Module(
        "ngx_http_auth_basic_module",
        (
            Command("auth_basic", WITH_LIMIT, "1", _REALM),
            Command(
                "auth_basic_user_file", WITH_LIMIT, "1", Kind("file", _read_user_file)
            ),
        ),
    ),
    Module(
        "ngx_http_auth_request_module",
        (
            Command("auth_request", LOCAL, "1", Kind("uri | off", _read_uri), "off"),
            Command(
                "auth_request_set",
                LOCAL,
                "2",
                Kind("$variable value", _read_set),
                many=True,
            ),
        ),
    ),
)
