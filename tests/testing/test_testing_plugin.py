"""The pytest plugin: blocks as test items, in a pytest of their own."""

from __future__ import annotations

import os

import pytest
from testing_suite import MIXED

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester):
    (pytester.mkdir("t") / "some.t").write_text(MIXED)
    return pytester


def run(project, *arguments):
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-rs", *arguments)


def test_blocks_are_items(project):
    result = run(project, "--test-nginx", "-v")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "t/some.t::TEST 1: right PASSED*",
            "t/some.t::TEST 2: wrong FAILED*",
            "t/some.t::TEST 3: left out SKIPPED*",
            "    -yes\\n",
            "    +no\\n",
            "*this is why*",
            "run it alone: resty-py test *t/some.t -k 2",
            "SKIPPED*skip_nginx: > 1.0.0",
        ]
    )


def test_nobody_asks_for_them(project):
    assert run(project).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_setting_asks_for_them(project):
    project.makeini("[pytest]\ntest_nginx = true\n")
    run(project, "-k", "right").assert_outcomes(passed=1, deselected=2)


def test_a_path_asks_for_them(project):
    run(project, "t/some.t::TEST 1: right").assert_outcomes(passed=1)


def test_a_flavour_runs_them(project):
    text = MIXED.replace('ngx.say("yes")', 'ngx.say(_VERSION == "Lua 5.4" and "yes")')
    (project.path / "t" / "some.t").write_text(text)
    result = run(project, "--test-nginx", "--test-nginx-lua", "lua54", "-k", "right")
    result.assert_outcomes(passed=1, deselected=2)


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("plan(skip_all => 'not here');\n__DATA__\n=== a\n", {"skipped": 1}),
        ("__DATA__\n=== a\n--- request: GET /\nmore\n", {"errors": 1}),
    ],
)
def test_files_that_have_no_items(project, text, outcomes):
    (project.path / "t" / "some.t").write_text(text)
    run(project, "--test-nginx").assert_outcomes(**outcomes)


def test_no_server_is_left(project):
    def children():
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return file.read().split()

    before = children()
    run(project, "--test-nginx")
    assert children() == before
