"""What counts as a check: files whose plan is right in Test::Nginx are right here."""

from __future__ import annotations

import socket

import pytest
from test_testing_run import run

HEAD = "use Test::Nginx::Socket::Lua;\nrepeat_each(2);\n"

BLOCK = """\
--- config
    location /t { content_by_lua_block { ngx.say("yes") } }
"""

HELLO = f"{BLOCK}--- request\nGET /t\n--- response_body\nyes\n"

PIPELINED = f"""\
{BLOCK}--- pipelined_requests eval
["GET /t", "GET /t"]
--- response_body eval
["yes\\n", "yes\\n"]
"""

DYING = """\
--- config
    no_such_directive;
--- request
GET /t
--- must_die
"""

#: Sections of a block, and its checks in each of two repetitions.
CASES = [
    ("status_and_body", HELLO, 2),
    ("each_pattern", f"{HELLO}--- no_error_log\n[error]\n[alert]\n", 4),
    ("no_patterns", f"{HELLO}--- error_log\n--- no_error_log\n\n", 2),
    ("the_log_of_each_response", f"{PIPELINED}--- no_error_log\n[error]\n", 6),
    ("a_death", f"{DYING}--- error_log\nunknown directive\n", 2),
    (
        "systemtap",
        f"{HELLO}--- stap\nprobe\n--- stap_out\na\n--- stap_out_like: b\n",
        4,
    ),
]


@pytest.mark.parametrize(
    ("name", "sections", "checks"), CASES, ids=[case[0] for case in CASES]
)
def test_checks_of_a_block(tmp_path, name, sections, checks):
    plan = f"plan tests => repeat_each() * {checks};\nrun_tests();\n"
    (tmp_path / "some.t").write_text(
        f"{HEAD}{plan}__DATA__\n\n=== TEST 1: {name}\n{sections}"
    )
    done = run(tmp_path, "some.t")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("reloads", ["", "$ENV{TEST_NGINX_USE_HUP} = 1;\n"])
def test_the_log_of_the_end_counts_once(tmp_path, reloads):
    end = f"{HELLO}--- shutdown_error_log\nexiting\n"
    plan = "plan tests => repeat_each() * 2 * blocks() + blocks();\nrun_tests();\n"
    (tmp_path / "some.t").write_text(
        f"BEGIN {{ {reloads} }}\n{HEAD}log_level('notice');\n{plan}__DATA__\n\n"
        f"=== TEST 1: a\n{end}\n\n=== TEST 2: b\n{end}"
    )
    done = run(tmp_path, "some.t")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mock_server_that_cannot_listen_is_a_failure(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (tmp_path / "some.t").write_text(
            f"run_tests();\n__DATA__\n\n=== TEST 1: a\n{HELLO}--- tcp_listen: {port}\n"
        )
        done = run(tmp_path, "some.t")
    assert done.returncode == 1
    assert f"tcp_listen: {port}: Address already in use" in done.stdout
