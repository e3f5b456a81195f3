"""Perl's matches and substitutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import UnsupportedError
from .regex import Match, Regex, as_regex
from .storage import Storage
from .values import text, truth

if TYPE_CHECKING:
    from .quoting import Node

__all__ = ["Matching"]


class Matching(Storage):
    """What ``m//``, ``s///`` and ``=~`` do."""

    def _regex(self, node: Node) -> Regex:
        return as_regex(self._pattern(node[1]), node[2])

    def _pattern(self, node: Node) -> Any:
        if node[0] == "interp" and len(node[1]) == 1:
            return self.scalar(node[1][0])
        return self.scalar(node)

    def _bind(self, operator: str, left: Node, right: Node, wants_list: bool) -> Any:
        if right[0] == "substitute":
            value = self._substitute_in(left, right)
        elif right[0] == "match":
            value = self._find(left, right[1], right[2], wants_list)
        else:
            value = self._find(left, right, "", wants_list)
        if operator == "=~":
            return value
        found = bool(value) if isinstance(value, list) else truth(value)
        return [] if wants_list and found else "" if found else 1

    def _match_topic(self, node: Node, wants_list: bool) -> Any:
        return self._find(("var", "$", "_"), node[1], node[2], wants_list)

    def _substitute_topic(self, node: Node) -> Any:
        return self._substitute_in(("var", "$", "_"), node)

    def _find(self, subject: Node, pattern: Node, flags: str, wants_list: bool) -> Any:
        regex = as_regex(self._pattern(pattern), flags)
        string = text(self.scalar(subject))
        if "g" in flags:
            if not wants_list:
                raise UnsupportedError("m//g as a scalar")
            return [part for one in regex.find(string) for part in _parts(one)]
        match = regex.search(string)
        self._match = match or self._match
        if wants_list:
            return (match.groups or [1]) if match else []
        return 1 if match else ""

    def _substitute_in(self, target: Node, node: Node) -> Any:
        regex = as_regex(self._pattern(node[1]), node[3])
        string = text(self.scalar(target))
        pieces, end, count = [], 0, 0
        for match in regex.find(string):
            self._match = match
            pieces += [string[end : match.start], text(self.scalar(node[2]))]
            end, count = match.end, count + 1
            if "g" not in node[3]:
                break
        result = "".join([*pieces, string[end:]])
        if "r" in node[3]:
            return result
        if count:
            self._store(target, result)
        return count or ""


def _parts(match: Match) -> list[str | None]:
    return match.groups or [match.group()]
