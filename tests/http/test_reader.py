"""resty_py/http/reader.py: heads cut into lines, and what h11 says of them."""

import time

import pytest

from resty_py.http.reader import Answer, functions, parse_head

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


def read(data: bytes, underscores: bool = False, ignore_invalid: bool = True) -> Answer:
    return parse_head(data, underscores, ignore_invalid)


def test_a_head_is_cut_into_its_lines():
    answer = read(b"\r\n" + HEAD + b"A:  b \r\n\r\nbody")
    assert answer == Answer(
        skipped=2,
        size=len(HEAD) + len(b"A:  b \r\n\r\n"),
        line=b"GET / HTTP/1.1",
        fields=b"Host\0a\0Host: a\0A\0b\0A:  b\0",
    )


@pytest.mark.parametrize("data", [b"", b"\r\n", b"GET /", HEAD, HEAD + b"\r"])
def test_what_is_not_complete_has_no_size(data):
    assert read(data).size is None


def test_a_line_without_version_is_a_whole_request():
    assert read(b"GET /\r\n" + HEAD) == Answer(0, 7, b"GET /")


@pytest.mark.parametrize(
    "line", [b" a: b", b"\ta: b", b"a : b", b": b", b"a: b\0", b"a: b\rc", b"a\x7f: b"]
)
def test_what_nginx_refuses_is_a_fault(line):
    answer = read(HEAD + line + b"\r\n\r\n")
    assert answer.fault == b'client sent invalid header line: "%b"' % line


@pytest.mark.parametrize(
    "line", [b"a", b"a: b\r", b"a:\x0b", b"a: b\x0cc", b"Content-Length: 1, 2"]
)
def test_what_h11_refuses_is_its_verdict(line):
    verdict = read(HEAD + line + b"\r\n\r\n").verdict
    assert verdict is not None
    assert verdict.startswith(b"client sent invalid request: ")


@pytest.mark.parametrize(
    ("line", "underscores", "ignore_invalid", "judged"),
    [
        (b"a_b: \x0b", False, True, False),
        (b"a_b: \x0b", True, True, True),
        (b"a_b: \x0b", False, False, True),
        (b"a(b): c", False, True, False),
        (b"a(b): c", True, True, False),
        (b"a(b): c", False, False, True),
    ],
)
def test_h11_does_not_see_dropped_lines(line, underscores, ignore_invalid, judged):
    answer = read(HEAD + line + b"\r\n\r\n", underscores, ignore_invalid)
    assert (answer.verdict is not None) == judged
    assert answer.fields.endswith(b"\0" + line + b"\0")


def test_a_value_behind_many_spaces_costs_no_more_than_others():
    """h11 alone takes a third of a second for it, with the worker stopped."""
    data = HEAD + (b"a:" + b" " * 8000 + b"\x0b\r\n") * 4 + b"\r\n"
    before = time.process_time()
    answer = read(data)
    assert answer.verdict is not None
    assert time.process_time() - before < 0.1


def test_the_host_function_is_named():
    assert functions() == {"parse_head": parse_head}
