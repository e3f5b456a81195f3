"""The echo module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..kinds import NUMBER
from ..settings import EchoCommand
from ..table import Command, Kind, Module
from .shorthand import LOCATIONS

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]


def _read_filter(call: Call) -> EchoCommand:
    return EchoCommand(call.name, tuple(map(call.template, call.args)))


def _read_content(call: Call) -> EchoCommand:
    if "echo" not in call.block.slots:  # the first one makes the content
        call.block.slots["content_handler"] = ["echo"]
    return _read_filter(call)


def _content(name: str, arity: str, label: str) -> Command:
    return Command(
        name, LOCATIONS, arity, Kind(label, _read_content), slot="echo", many=True
    )


_FILTER: dict[str, Any] = {"kind": Kind("[text …]", _read_filter), "many": True}

MODULES = (
    Module("ngx_http_echo_module", (
        _content("echo", "0+", "[text …]"),
        _content("echo_request_body", "0", ""),
        _content("echo_sleep", "1", "seconds"),
        _content("echo_blocking_sleep", "1", "seconds"),
        _content("echo_flush", "0", ""),
        _content("echo_reset_timer", "0", ""),
        _content("echo_location", "1-2", "uri [arguments]"),
        _content("echo_location_async", "1-2", "uri [arguments]"),
        _content("echo_subrequest", "2+", "method uri [option …]"),
        _content("echo_subrequest_async", "2+", "method uri [option …]"),
        _content("echo_duplicate", "2+", "count text"),
        _content("echo_read_request_body", "0", ""),
        _content("echo_foreach_split", "2+", "delimiter text"),
        _content("echo_end", "0", ""),
        _content("echo_abort_parent", "0", ""),
        _content("echo_exec", "1-2", "uri [arguments]"),
        Command("echo_before_body", LOCATIONS, "0+", **_FILTER),
        Command("echo_after_body", LOCATIONS, "0+", **_FILTER),
        Command("echo_status", LOCATIONS, "1", NUMBER, "200"),
    )),
)  # fmt: skip
