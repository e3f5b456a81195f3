"""The checks of a block's responses, one by one as Test::Nginx counts them.

Rules:

1. Where there are several requests an expectation is a list, one value for each
   of them; for a single one a list stands for its first value.
2. Without ``error_code`` the status is to be 200.
3. ``$ServerPort`` and ``$ServerPortForClient`` stand for the server's port.
4. ``ignore_response`` leaves all of these checks out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .perl import PerlError, Regex, as_regex
from .perl.values import text, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .response import Response
    from .suite import Block

__all__ = ["Check", "CheckError", "Place", "check_response", "like"]

_PORT = re.compile(r"\$ServerPort(?:ForClient)?\b")


class CheckError(Exception):
    """An expectation is not written as it should be; the text says why."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        ok: whether it holds.
        name: what was checked.
        got, expected: for a report; None where there is nothing to compare.
    """

    ok: bool
    name: str
    got: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Place:
    """Which response is checked.

    Attributes:
        request: the number of the request in the block, from 0.
        repetition: the number of the repetition, from 0.
        wants_list: whether expectations are to be lists.
        port: of the server.
    """

    request: int
    repetition: int
    wants_list: bool
    port: int


def equal(got: str, expected: Any, name: str) -> Check:
    """Check that a text is what is expected."""
    wanted = text(expected)
    return Check(got == wanted, name, got, wanted)


def like(got: str, pattern: Any, name: str, flags: str = "") -> Check:
    """Check that a text matches a pattern."""
    try:
        regex = as_regex(pattern, "" if isinstance(pattern, Regex) else flags)
        return Check(regex.search(got) is not None, name, got, f"like {regex}")
    except PerlError as exc:
        return Check(False, f"{name}: {exc}")


def unlike(got: str, pattern: Any, name: str, flags: str = "") -> Check:
    """Check that a text does not match a pattern."""
    check = like(got, pattern, name, flags)
    if check.expected is None:
        return check
    return Check(not check.ok, name, got, f"un{check.expected}")


def _indexed(value: Any, place: Place) -> Any:
    """Return the expectation for a request."""
    if isinstance(value, list):
        index = place.request if place.wants_list else 0
        return value[index] if index < len(value) else None
    if place.wants_list:
        raise CheckError(
            "You asked for many requests, the expected results should be"
            " arrays as well."
        )
    return value


def check_response(
    block: Block, response: Response | None, place: Place
) -> Iterator[Check]:
    """Check a response.

    Args:
        block: says what is expected.
        response: the response, or None if what came is none.
        place: which one it is.

    Raises:
        CheckError: an expectation is not written as it should be.
        BlockError: a section has no value.
    """
    yield _check_code(block, response, place)
    yield from _check_raw_headers(block, response, place)
    yield from _check_headers(block, response, place)
    yield from _check_body(block, response, place)


def _check_code(block: Block, response: Response | None, place: Place) -> Check:
    code = response.code if response else ""
    if block.value("error_code_like") is not None:
        pattern = _indexed(block.value("error_code_like"), place)
        return like(code, pattern, "status code ok", "sm")
    expected = "200"
    if block.value("error_code") is not None:
        expected = text(_indexed(block.value("error_code"), place))
    return equal(code, expected, "status code ok")


def _check_raw_headers(
    block: Block, response: Response | None, place: Place
) -> Iterator[Check]:
    raw = response.raw_headers if response else ""
    if block.value("raw_response_headers") is not None:
        expected = _indexed(block.value("raw_response_headers"), place)
        yield equal(raw, expected, "raw_response_headers")
    if block.value("raw_response_headers_like") is not None:
        expected = _indexed(block.value("raw_response_headers_like"), place)
        yield like(raw, expected, "raw_response_headers_like", "s")
    if block.value("raw_response_headers_unlike") is not None:
        expected = _indexed(block.value("raw_response_headers_unlike"), place)
        yield unlike(raw, expected, "raw_response_headers_unlike", "s")


def _check_headers(
    block: Block, response: Response | None, place: Place
) -> Iterator[Check]:
    for section in ("response_headers", "response_headers_like"):
        if block.value(section) is None:
            continue
        expected = text(_indexed(block.value(section), place))
        for name, value in _parse_headers(expected):
            yield _check_header(response, name, value, place, section)
        break


def _check_header(
    response: Response | None, name: str, value: str | None, place: Place, section: str
) -> Check:
    raw = response.raw_headers if response else ""
    if value is None:
        pattern = Regex(rf"^\s*\Q{name}\E\s*:", "ms")
        return unlike(raw, pattern, f"header {name} not present in the raw headers")
    got = (response.header(name) if response else None) or ""
    value = _PORT.sub(str(place.port), value)
    if section == "response_headers_like":
        return like(got, f"^{value}$", f"header {name} like ok")
    return equal(got, value, f"header {name} ok")


def _parse_headers(expected: str) -> list[tuple[str, str | None]]:
    headers: dict[str, str | None] = {}
    for line in filter(None, map(str.strip, expected.split("\n"))):
        if match := re.match(r"!\s*(.*)", line):
            headers[match[1]] = None
        else:
            name, value = [*re.split(r"\s*:\s*", line, maxsplit=1), ""][:2]
            headers[name] = value
    return list(headers.items())


def _check_body(
    block: Block, response: Response | None, place: Place
) -> Iterator[Check]:
    content = response.content if response else ""
    if block.value("response_body") is not None:
        expected = _indexed(block.value("response_body"), place)
        name = f"response_body (repetition {place.repetition}, req {place.request})"
        if isinstance(expected, Regex):
            yield like(content, expected, f"{name} - like")
        else:
            yield equal(content, _PORT.sub(str(place.port), text(expected)), name)
    elif block.value("response_body_like") is not None:
        yield like(
            content, _body_pattern(block, "like", place), "response_body_like", "s"
        )
    elif block.value("response_body_unlike") is not None:
        pattern = _body_pattern(block, "unlike", place)
        yield unlike(content, pattern, "response_body_unlike", "s")
    yield from _own_checks(block, content, place)


def _body_pattern(block: Block, kind: str, place: Place) -> Regex:
    expected = _indexed(block.value(f"response_body_{kind}"), place)
    if isinstance(expected, Regex):
        return expected
    return Regex(_PORT.sub(str(place.port), text(expected)), "s")


def _own_checks(block: Block, content: str, place: Place) -> Iterator[Check]:
    """Run the checks of ``add_response_body_check``."""
    for number, check in enumerate(block.suite.settings.body_checks, start=1):
        value = block.suite.call(
            check, block, content, place.request, place.repetition, ""
        )
        yield Check(value is None or truth(value), f"response body check {number}")
