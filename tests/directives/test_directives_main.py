"""The main block: env, and what holds for the process."""

from __future__ import annotations

import contextlib
import os
from unittest import mock

import pytest
from directive_pair import Pair, case

SHOWS = """content_by_lua_block {
    for _, name in ipairs {"RP_SET", "RP_GIVEN", "RP_OTHER", "RP_TWICE", "TZ",
    "HOME"} do
        ngx.say(name, "=", os.getenv(name))
    end
    ngx.say(in_init, " ", in_init_worker)
}"""

MAIN = """
env RP_SET=set;
env RP_GIVEN;
env RP_TWICE=one;
env RP_TWICE=two;
env RP_ABSENT;
"""

HTTP = """
init_by_lua_block { in_init = os.getenv("RP_OTHER") }
init_worker_by_lua_block { in_init_worker = os.getenv("RP_OTHER") }
include http/*.conf;
include http2/none-*.conf;
"""

CASES = {
    "env": case(f"location / {{ {SHOWS} }}"),
    "include": case(
        "location / { return 200 $of_first$of_second; } include places/*.conf;",
                    "/?x=a", "/place"),
}  # fmt: skip

FILES = {
    "conf/http/1.conf": "map $arg_x $of_first { a A; }\ninclude http/more/3.txt;\n",
    "conf/http/2.conf": "map $arg_x $of_second { a $of_third; }\n",
    "conf/http/more/3.txt": "map $arg_x $of_third { a C; }\n",
    "conf/places/one.conf": "location /place { return 200 place; }\n",
}


@contextlib.contextmanager
def environment(_ports):
    given = {"RP_GIVEN": "given", "RP_OTHER": "other", "RP_TWICE": "given"}
    with mock.patch.dict(os.environ, given):
        yield


PAIR = Pair(CASES, main=MAIN, http=HTTP, files=FILES, beside=environment)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


#: What nginx does to its workers, of which it has none without a master.
WORKERS = Pair(
    {
        "folder": case(
            "location / { content_by_lua_block { local f = io.open('NAME.txt', 'w')"
            " f:write('here') f:close() ngx.say('ok') } }"
        ),
        "limits": case(
            "location / { content_by_lua_block { for line in"
            " io.lines('/proc/self/limits') do line = line:gsub(' +', ' ') local f ="
            " line:match('^Max open files.*') or line:match('^Max core.*') if f then"
            " ngx.say(f) end end } }"
        ),
    },
    main="working_directory logs; worker_rlimit_nofile 1000; worker_rlimit_core 1m;"
    " worker_shutdown_timeout 1s;",
)  # fmt: skip


def test_folder_of_workers():
    assert WORKERS.actual("folder").files == {"folder.txt": ("here",)}


def test_limits_of_workers():
    (answer,) = WORKERS.actual("limits").answers
    said = [line for line in answer if line.startswith("Max ")]
    assert said == [
        "Max core file size 1048576 1048576 bytes ",
        "Max open files 1000 1000 files ",
    ]
