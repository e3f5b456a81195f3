"""Links that only who knows a secret can make: the secure_link module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfError, located
from ..kinds import TEMPLATE, TEXT
from ..table import Command, Module
from .shorthand import LOCAL

if TYPE_CHECKING:
    from ..reading import Block

__all__ = ["MODULES", "check_secure_links", "settle_secure_links"]

_SECRET = "secure_link_secret"
_LINK = ("secure_link", "secure_link_md5")


def settle_secure_links(block: Block, settings: dict[str, Any]) -> None:
    """Let what a block says of one kind of links take the place of the other kind.

    Args:
        block: a block.
        settings: what is in force there, with what comes from the blocks around it.
    """
    if not block.slots.keys().isdisjoint(_LINK):
        settings[_SECRET] = None
    elif _SECRET in block.slots:
        settings.update(dict.fromkeys(_LINK))


def check_secure_links(http: Block, block: Block) -> None:
    """Look at a server or location: ``ngx_http_secure_link_merge_conf``.

    Raises:
        ConfError: it has links of both kinds.
    """
    for inner in block.slots.get("location", ()):
        check_secure_links(http, inner)
    if _SECRET in block.slots and not block.slots.keys().isdisjoint(_LINK):
        assert http.opener is not None
        text = (
            '"secure_link_secret" cannot be mixed with '
            '"secure_link" and "secure_link_md5"'
        )
        raise ConfError(located(text, http.opener.file, http.end_line))


MODULES = (
    Module("ngx_http_secure_link_module", (
        *(Command(name, LOCAL, "1", TEMPLATE) for name in _LINK),
        Command(_SECRET, LOCAL, "1", TEXT),
    )),
)  # fmt: skip
