"""lua-resty-cookie, on every server."""

from __future__ import annotations

import pytest
from compat_case import EVALUATE
from compat_libraries import COOKIE
from compat_servers import SERVERS

pytestmark = pytest.mark.library(COOKIE.name)

PRELUDE = 'local say, cookie = ..., require("resty.cookie"):new()\n'


@pytest.fixture(scope="module", params=SERVERS)
def evaluator(request, start, install):
    with start(request.param, EVALUATE, install(COOKIE)) as server:
        yield server


def ask(evaluator, code, cookies=None):
    headers = {} if cookies is None else {"Cookie": cookies}
    return evaluator.ask("/", (PRELUDE + code).encode(), headers)


@pytest.mark.parametrize(
    ("cookies", "text"),
    [
        ("a=1; b=two;c=", '{a = "1", b = "two", c = ""} nil\n'),
        ("session=x=y==; b=\xe9", '{b = "\\xe9", session = "x=y=="} nil\n'),
        (None, 'nil "no cookie found in the current request"\n'),
    ],
    ids=["several", "odd_bytes", "none"],
)
def test_read(evaluator, cookies, text):
    code = "local all, err = cookie:get_all() say(all, err)"
    assert ask(evaluator, code, cookies).text == text


COOKIES = """
local a = {key = "a", value = "1", path = "/", secure = true, httponly = true,
           max_age = 50, domain = "example.com",
           expires = "Wed, 09 Jun 2021 10:18:14 GMT"}
local b = {key = "b", value = "2", extension = "SameSite=Lax"}
local c = {key = "c", value = "3"}
local all = cookie:set(a) and cookie:set(b) and cookie:set(c) and cookie:set(b)
say(all, cookie:set({key = "d"}))
"""


def test_set(evaluator):
    answer = ask(evaluator, COOKIES)
    assert answer.text.startswith('true nil "missing cookie field')
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == [
        (
            "a=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Max-Age=50; "
            "Domain=example.com; Path=/; Secure; HttpOnly"
        ),
        "b=2; SameSite=Lax",
        "c=3",
    ]
