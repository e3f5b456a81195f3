"""What is checked of responses and of the error log."""

from __future__ import annotations

import pytest
from testing_suite import block_of, suite_of

from resty_py.testing import errorlog, response
from resty_py.testing.checks import CheckError, Place, check_response

OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nA: 1\r\nA: 2\r\n\r\nhello\n"


def verdicts(tmp_path, sections, raw=OK, *, request=0, wants_list=False):
    block = block_of(tmp_path, sections)
    place = Place(request, 0, wants_list, 8080)
    return [check.ok for check in check_response(block, response.parse(raw), place)]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ("--- config\n", [True]),
        ("--- error_code: 404\n", [False]),
        ("--- error_code_like: ^2\n", [True]),
        ("--- response_body\nhello\n", [True, True]),
        ("--- response_body chomp\nhello\n", [True, False]),
        ("--- response_body eval: qr/^h.*o$/\n", [True, True]),
        ("--- response_body_like: h.l\n", [True, True]),
        ("--- response_body_like\n^hello$\n", [True, True]),
        ("--- response_body_unlike: h.l\n", [True, False]),
        ("--- response_headers\nA: 1, 2\n! B\n", [True, True, True]),
        ("--- response_headers\n!A\nContent-type: text/html\n", [True, False, False]),
        ("--- response_headers_like\ncontent-type: text/.*\n", [True, True]),
        ("--- raw_response_headers_like: A: 1\\r\\nA: 2\n", [True, True]),
        ("--- raw_response_headers_unlike: B:\n", [True, True]),
    ],
)
def test_a_response(tmp_path, sections, expected):
    assert verdicts(tmp_path, sections) == expected


def test_the_port_stands_in_expectations(tmp_path):
    raw = "HTTP/1.1 302 Found\r\nLocation: http://h:8080/\r\n\r\n"
    sections = (
        "--- error_code: 302\n--- response_headers\nLocation: http://h:$ServerPort/\n"
    )
    assert verdicts(tmp_path, sections, raw) == [True, True]


def test_lists_have_a_value_for_each_request(tmp_path):
    sections = (
        '--- error_code eval: [200, 200]\n--- response_body eval: ["x", "hello\\n"]\n'
    )
    assert verdicts(tmp_path, sections, request=1, wants_list=True) == [True, True]
    with pytest.raises(CheckError, match="should be arrays"):
        verdicts(tmp_path, "--- response_body\na\n", wants_list=True)


def test_own_checks_get_the_body(tmp_path):
    code = (
        "add_response_body_check(sub {"
        ' my ($block, $body) = @_; return $body eq "hello\\n" });'
    )
    block = block_of(tmp_path, "--- config\n", code)
    checks = check_response(block, response.parse(OK), Place(0, 0, False, 1))
    assert [check.ok for check in checks] == [True, True]


@pytest.mark.parametrize(
    ("raw", "content", "left"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd", "ab", "cd"),
        (
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "2\r\nab\r\n0\r\n\r\nHTTP/1.1 200"
            ),
            "ab",
            "HTTP/1.1 200",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nall", "all", ""),
    ],
)
def test_bodies_end_as_they_say(raw, content, left):
    parsed = response.parse(raw)
    assert (parsed.content, parsed.left) == (content, left)


@pytest.mark.parametrize("body", ["2\r\nab", "2\r\nab\r\n", "zz", "9\r\nab\r\n"])
def test_a_wrongly_chunked_body_is_an_error(body):
    with pytest.raises(response.ResponseError):
        response.parse(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}")


LOG = ["[warn] one, two\n", "[error] a.b\n", "last one\n"]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ("--- error_log\n[warn]\na.b\nnone\n", [True, True, False]),
        ("--- error_log eval: qr/a.b$/\n", [True]),
        ("--- error_log eval: [qr/^last/, 'a?b']\n", [True, False]),
        ("--- no_error_log\n[error]\n[crit]\n", [False, True]),
        ("--- grep_error_log: one\n--- grep_error_log_out\none\none\n", [True]),
        (
            (
                "--- grep_error_log eval: qr/\\w+$/\n"
                '--- grep_error_log_out eval: ["two\\nb\\none\\n", "x"]\n'
            ),
            [True],
        ),
        (
            "--- grep_error_log eval: qr/t\\w+/\n--- grep_error_log_out eval: qr/tw/\n",
            [True],
        ),
    ],
)
def test_the_error_log(tmp_path, sections, expected):
    block = block_of(tmp_path, sections)
    checks = errorlog.check_error_log(block, LOG, 0)
    assert [check.ok for check in checks] == expected


def test_preprocessors_fill_in_sections(tmp_path):
    code = (
        "add_block_preprocessor(sub { my $block = shift;"
        ' $block->set_value("request", "GET /t") if !defined $block->request; });'
    )
    text = f"{code}\n__DATA__\n=== a\n--- config\n=== b\n--- request\nGET /b\n"
    blocks = suite_of(tmp_path, text).blocks
    assert [block.value("request") for block in blocks] == ["GET /t", "GET /b\n"]


def test_the_code_of_a_file_sets_how_it_is_run(tmp_path):
    text = (
        "use Test::Nginx::Socket::Lua 'no_plan';\n"
        "repeat_each(2); plan tests => repeat_each() * (blocks() * 3);\n"
        "workers(2); master_on(); log_level 'warn'; no_root_location();\n"
        "$ENV{TEST_NGINX_PORT_OF_MINE} ||= 99; check_accum_error_log();\n"
        "__DATA__\n=== a\n--- config\nlisten $TEST_NGINX_PORT_OF_MINE;\n"
    )
    suite = suite_of(tmp_path, text)
    settings = suite.settings
    assert (settings.repeat_each, settings.plan, settings.workers) == (2, 6, 2)
    assert (settings.master, settings.log_level) == (True, "warn")
    assert (settings.root_location, settings.accumulates) == (False, True)
    assert suite.blocks[0].configuration("config") == "listen 99;\n"
