"""lua-resty-lrucache, where there is FFI."""

from __future__ import annotations

import pytest
from compat_case import EVALUATE, Case, evaluate
from compat_libraries import LRUCACHE
from compat_servers import REFERENCE

pytestmark = pytest.mark.library(LRUCACHE.name)

MODULES = ("resty.lrucache", "resty.lrucache.pureffi")

CASES = [
    Case(
        "set_and_get",
        """
        local cache = lrucache.new(2)
        cache:set("dog", 32)
        cache:set("cat", {56})
        say(cache:get("dog"), cache:get("cat"), cache:get("cow"))
        cache:delete("dog")
        say(cache:get("dog"), cache:count(), cache:capacity())
        """,
        ("32 {56} nil", "nil 1 2"),
    ),
    Case(
        "the_one_not_used_longest_goes",
        """
        local cache = lrucache.new(2)
        cache:set("a", 1)
        cache:set("b", 2)
        cache:get("a")
        cache:set("c", 3)
        say(cache:get_keys())
        say((cache:get("b")))
        """,
        ('{"c", "a"}', "nil"),
    ),
    Case(
        "time_to_live",
        """
        local cache = lrucache.new(2)
        cache:set("a", 1, 0.02, 5)
        say(cache:get("a"))
        ngx.sleep(0.04)
        say(cache:get("a"))
        """,
        ("1 nil 5", "nil 1 5"),
    ),
    Case(
        "flush_all",
        """
        local cache = lrucache.new(10)
        for i = 1, 10 do
            cache:set("k" .. i, i)
        end
        cache:flush_all()
        say(cache:count(), cache:get("k1"))
        cache:set("k", 1)
        say((cache:get("k")))
        """,
        ("0 nil", "1"),
    ),
    Case(
        "shared_by_requests",
        """
        local loaded = package.loaded
        loaded.shared = loaded.shared or lrucache.new(1)
        local cache = loaded.shared
        cache:set("n", (cache:get("n") or 0) + 1)
        say(cache:count())
        """,
        ("1",),
    ),
]

#: Has FFI.
WITH_FFI = (REFERENCE, "luajit21")

#: Have none.
WITHOUT_FFI = ("lua51", "lua54")


@pytest.fixture(scope="module")
def tree(install):
    return install(LRUCACHE)


@pytest.fixture(scope="module", params=WITH_FFI)
def evaluator(request, start, tree):
    with start(request.param, EVALUATE, tree) as server:
        yield server


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_says(evaluator, module, case):
    prelude = f'local say, lrucache = ..., require "{module}"\n'
    answer = evaluate(evaluator, prelude + case.code)
    assert tuple(answer.text.splitlines()) == case.lines


@pytest.mark.parametrize("flavour", WITHOUT_FFI)
def test_says_what_is_missing(start, tree, flavour):
    with start(flavour, EVALUATE, tree) as server, server.logged() as lines:
        answer = evaluate(server, 'require "resty.lrucache"')
    assert answer.status == 500
    assert any("module 'ffi' not found" in line for line in lines)
