"""Suites for tests: a ``.t`` file's text as blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resty_py.testing.suite import Block, Suite

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {"html_dir": "/prefix/html", "server_root": "/prefix"}


def suite_of(folder: Path, text: str, **environment: str) -> Suite:
    path = folder / "some.t"
    path.write_bytes(text.encode())
    return Suite(path, environment, PLACES, 1.027001)


def block_of(folder: Path, sections: str, code: str = "") -> Block:
    text = f"{code}\nrun_tests();\n__DATA__\n\n=== TEST 1: some\n{sections}"
    return suite_of(folder, text).blocks[0]


#: A block that passes, one that fails, one that is left out.
MIXED = """\
use Test::Nginx::Socket::Lua;
plan tests => 2 * blocks();
run_tests();

__DATA__

=== TEST 1: right
--- config
    location /t { content_by_lua_block { ngx.say("yes") } }
--- request
GET /t
--- response_body
yes



=== TEST 2: wrong
--- config
    location /t {
        content_by_lua_block {
            ngx.log(ngx.ERR, "this is why")
            ngx.say("no")
        }
    }
--- request
GET /t
--- response_body
yes



=== TEST 3: left out
--- skip_nginx: 2: > 1.0.0
--- config
--- request
GET /t
"""
