"""Configurations as hypothesis breaks them: words go, come, move and are cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["broken", "changes_of"]

_TOKEN = re.compile(r"\s+|[{};]|\"[^\"]*\"|'[^']*'|[^\s{};]+")
_KINDS = ("drop", "double", "swap", "insert", "replace", "cut", "move")
_ODD = (
    *"{};'\"\\#$()*~@=\x00\u00e4", "${", "$", "$1", "--[[", "[[", "]]", "]=]", "--",
    "include nginx.conf;", "include /;", "include *;", "99999999999999999999", "-1",
    "~(", "~*[", "~(?<a>", "unknown_directive x;", "\r\n", "\ufeff",
)  # fmt: skip

Change = tuple[str, int, str]


def changes_of(texts: Iterable[str], most: int) -> st.SearchStrategy[list[Change]]:
    """Return a strategy of up to *most* changes, with words of *texts* and odd ones."""
    words = sorted({word for text in texts for word in _TOKEN.findall(text)})
    other = st.one_of(st.sampled_from(words), st.sampled_from(_ODD))
    change = st.tuples(st.sampled_from(_KINDS), st.integers(0, 10**6), other)
    return st.lists(change, min_size=1, max_size=most)


def broken(text: str, changes: Iterable[Change]) -> str:
    """Return *text* after the changes: what kind, at which word, with which one."""
    words = _TOKEN.findall(text)
    for kind, place, other in changes:
        at = place % len(words)
        if kind == "drop":
            del words[at]
        elif kind == "double":
            words.insert(at, words[at])
        elif kind == "swap":
            words[at], words[-at - 1] = words[-at - 1], words[at]
        elif kind == "insert":
            words.insert(at, other)
        elif kind == "replace":
            words[at] = other
        elif kind == "cut":
            words[at] = words[at][: place % (len(words[at]) + 1)]
        else:
            words.insert(place // 7 % len(words), words.pop(at))
    return "".join(words)
