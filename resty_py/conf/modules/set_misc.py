"""The set-misc module, which OpenResty bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kinds import NUMBER
from ..lexer import to_bytes
from ..model import SetByFunction
from ..table import Command, Inherit, Kind, Module
from .rewrite import read_variable
from .shorthand import LATER, REWRITE, WITH_IF, flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..reading import Call

__all__ = ["MODULES"]

ALPHABET_SIZE = 32

_FUNCTIONS = {
    "0": ("$variable", "set_local_today"),
    "0-1": (
        "$variable [text]",
        """set_quote_sql_str set_quote_pgsql_str set_quote_json_str
        set_unescape_uri set_escape_uri set_encode_base32 set_decode_base32
        set_encode_base64 set_decode_base64 set_encode_base64url
        set_decode_base64url set_encode_hex set_decode_hex set_sha1 set_md5""",
    ),
    "1": (
        "$variable value",
        """set_if_empty set_secure_random_alphanum set_secure_random_lcalpha
        set_formatted_gmt_time set_formatted_local_time""",
    ),
    "2": (
        "$variable value value",
        "set_hmac_sha1 set_hmac_sha256 set_random set_rotate",
    ),
}


def _read(call: Call) -> SetByFunction:
    variable = read_variable(call, call.args[0])
    return SetByFunction(call.name, variable, tuple(map(call.template, call.args[1:])))


def _read_alphabet(call: Call) -> str:
    size = len(to_bytes(call.args[0]))
    if size != ALPHABET_SIZE:
        raise call.error(
            f'"set_base32_alphabet" directive takes an alphabet of {size} bytes '
            f"but {ALPHABET_SIZE} expected"
        )
    return call.args[0]


def _one_more(arity: str) -> str:
    return "-".join(str(int(part) + 1) for part in arity.split("-"))


def _rows() -> Iterator[Command]:
    for arity, (label, names) in _FUNCTIONS.items():
        for name in names.split():
            yield Command(
                name, REWRITE, _one_more(arity), Kind(label, _read), slot="script",
                many=True, inherit=Inherit.NEVER,
            )  # fmt: skip


MODULES = (
    Module("ngx_http_set_misc_module", (
        *_rows(),
        Command(
            "set_hashed_upstream", REWRITE, "3", NUMBER, slot="script", many=True,
            inherit=Inherit.NEVER, status=LATER,
        ),
        flag("set_base32_padding", WITH_IF, "on"),
        flag("set_misc_base32_padding", WITH_IF, "on", slot="set_base32_padding"),
        Command(
            "set_base32_alphabet", WITH_IF, "1",
            Kind("32 characters", _read_alphabet, str),
            "0123456789abcdefghijklmnopqrstuv",
        ),
    )),
)  # fmt: skip
