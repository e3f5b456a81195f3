"""Requests, byte for byte."""

from __future__ import annotations

import pytest
from testing_suite import block_of

from resty_py.testing.request import RequestError, requests_of

HOST = b"Host: localhost\r\nConnection: close\r\n"


def sent(tmp_path, sections):
    return [request.data for request in requests_of(block_of(tmp_path, sections))]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ("--- request\nGET /t\n", b"GET /t HTTP/1.1\r\n" + HOST + b"\r\n"),
        ("--- request\n  GET /t\n", b"GET /t HTTP/1.1\r\n" + HOST + b"\r\n"),
        ("--- request\n# why\nGET /t\n", b"GET /t HTTP/1.1\r\n" + HOST + b"\r\n"),
        ("--- request\nGET /t HTTP/1.0\n", b"GET /t HTTP/1.0\r\n" + HOST + b"\r\n"),
        (
            "--- request\nPOST /t\nhello\n",
            b"POST /t HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello",
        ),
        (
            "--- request\nPOST /t\nhello\n--- more_headers\nA: 1\n#B: 2\nC:3\n",
            b"POST /t HTTP/1.1\r\n"
            + HOST
            + b"A: 1\r\nC: 3\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (
            "--- request\nGET /t\n--- more_headers\nHost: a\nconnection: b\n",
            b"GET /t HTTP/1.1\r\nHost: a\r\nconnection: b\r\n\r\n",
        ),
        (
            (
                '--- request eval\n"POST /t\\n3\\r\\nabc\\r\\n0\\r\\n\\r\\n"\n'
                "--- more_headers\nTransfer-Encoding: chunked\n"
            ),
            b"POST /t HTTP/1.1\r\n"
            + HOST
            + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        ('--- raw_request eval\n"GET /\\r\\n"\n', b"GET /\r\n"),
        (
            '--- pipelined_requests eval\n["GET /a", "POST /b\\nx"]\n',
            b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"
            b"POST /b HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx",
        ),
    ],
)
def test_one_connection(tmp_path, sections, expected):
    assert sent(tmp_path, sections) == [expected]


def test_a_list_is_several_requests(tmp_path):
    assert sent(tmp_path, '--- request eval\n["GET /a", "GET /b"]\n') == [
        b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n",
    ]


def test_a_list_in_a_list_is_one_request_in_pieces(tmp_path):
    sections = (
        '--- request eval\n[["POST /a\\nab", { value => "cd", delay_before => 0.5 }]]\n'
    )
    (request,) = requests_of(block_of(tmp_path, sections))
    assert [(piece.data, piece.delay) for piece in request.pieces] == [
        (b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab", 0),
        (b"cd", 0.5),
    ]


def test_pieces_of_a_raw_request_wait(tmp_path):
    sections = '--- raw_request eval\n["a", "b"]\n--- raw_request_middle_delay: 0.1\n'
    (request,) = requests_of(block_of(tmp_path, sections))
    assert [(piece.data, piece.delay) for piece in request.pieces] == [
        (b"a", 0),
        (b"b", 0.1),
    ]


def test_no_request_is_an_error(tmp_path):
    with pytest.raises(RequestError):
        sent(tmp_path, "--- config\n")


def test_more_headers_of_pipelined_requests(tmp_path):
    sections = (
        '--- pipelined_requests eval\n["GET /a", "GET /b"]\n'
        '--- more_headers eval\n["A: 1\\n", "B: 2\\n"]\n'
    )
    assert sent(tmp_path, sections) == [
        b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nA: 1\r\n\r\n"
        b"GET /b HTTP/1.1\r\n" + HOST + b"B: 2\r\n\r\n"
    ]
