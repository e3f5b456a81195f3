"""Variables that depend on hashes: the split_clients module."""

from __future__ import annotations

import pytest
from conversation import get
from directive_pair import Pair, case

HUNDRED = " ".join(f"1% p{number};" for number in range(99))

HTTP = f"""
split_clients $arg_a $part {{ {HUNDRED} * rest; }}
split_clients "$arg_a-$arg_b" $of_two {{ 33.33% a; .5% b; 12.5% c; * d; }}
split_clients $arg_a $half {{ 50% lower; }}
split_clients $arg_a $nothing {{ }}
split_clients $arg_a $all {{ * all; }}
split_clients $arg_a $text {{ * $uri; }}
split_clients $arg_a $extra {{ 50% a b c; * d; }}
split_clients $remote_addr$http_x $by_header {{ 20% .one; 30% .two; * ""; }}
split_clients $n $kept {{ 50% a; * b; }}
split_clients constant $constant {{ 10% a; 20% b; 30% c; * d; }}
server {{ listen 127.0.0.1:PORT; server_name other.test; set $n 0; return 404; }}
"""

#: Texts of all lengths, with all kinds of bytes.
TEXTS = ("", "a", "\xff", *("abc\xe4\x80"[:n] * n for n in range(2, 6)),
         *(f"{n * 7919}" for n in range(40)), "x" * 1000)  # fmt: skip


def shows(variable, *texts):
    """Return a case that shows a variable for some values of ``arg_a``."""
    return case(
        f"location / {{ return 200 '[${variable}]'; }}",
        *(f"/?a={text}" for text in texts),
    )


CASES = {
    "hundred": shows("part", *TEXTS),
    "of_two": shows("of_two", *(f"{n}&b={n}" for n in range(20))),
    "half": shows("half", *map(str, range(10))),
    "nothing": shows("nothing", "1"),
    "all": shows("all", "1", "2"),
    "text": shows("text", "1"),
    "extra": shows("extra", "1", "2", "3"),
    "by_header": case(
        "location / { return 200 '[$by_header]'; }",
        *(get("/", f"X: {n}") for n in range(10)), "/",
    ),
    "constant": case("location / { return 200 $constant; }"),
    "kept": case(
        "location / { set $n 1; set $a $kept; set $n 2; set $b $kept; set $n 5;"
        " return 200 $a$b$kept; }"
    ),
    "in_lua": case(
        "location / { content_by_lua_block { local v = ngx.var ngx.say(v.part)"
        " v.part = 'x' ngx.say(v.part) } }", "/?a=1",
    ),
}  # fmt: skip

PAIR = Pair(CASES, http=HTTP)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua52", "lua54"])
@pytest.mark.parametrize("name", ["hundred", "half"])
def test_on_other_flavours(name, flavour):
    PAIR.check(name, flavour)
