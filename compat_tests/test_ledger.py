"""The ledger: what it records, and what fails a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
from ledger import pytest_addoption, pytest_configure
"""

TESTS = """
import pytest

pytestmark = pytest.mark.library("lua-resty-thing")

def test_good():
    pass

def test_bad():
    assert False

def test_skipped():
    pytest.skip("not here")
"""

GOOD, BAD, SKIPPED = (f"test_thing.py::test_{n}" for n in ("good", "bad", "skipped"))


@pytest.fixture
def suite(pytester, monkeypatch):
    """A suite with a ledger of its own, outside CI."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delenv("CI", raising=False)
    return Suite(pytester)


class Suite:
    def __init__(self, pytester):
        self._pytester = pytester
        self._ledger = pytester.path / "ledger.json"
        pytester.makeconftest(CONFTEST)
        self.write(TESTS)

    def write(self, text):
        self._pytester.makepyfile(test_thing=text)

    def record(self, **statuses):
        tests = {f"test_thing.py::test_{name}": s for name, s in statuses.items()}
        self._ledger.write_text(json.dumps({"lua-resty-thing": tests}))

    def recorded(self):
        return json.loads(self._ledger.read_text())

    def run(self, *args):
        return self._pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", f"--ledger={self._ledger}", *args
        )


def test_update_writes_what_was_found(suite):
    suite.record(gone="pass")
    suite.run("--ledger-update")
    assert suite.recorded() == {"lua-resty-thing": {GOOD: "pass", BAD: "fail"}}


def test_update_of_a_part_keeps_the_rest(suite):
    suite.record(gone="pass", bad="pass")
    suite.run("--ledger-update", "-k", "good")
    tests = {GOOD: "pass", BAD: "pass", "test_thing.py::test_gone": "pass"}
    assert suite.recorded() == {"lua-resty-thing": tests}


def test_a_skip_keeps_what_was_recorded(suite):
    suite.record(skipped="pass")
    suite.run("--ledger-update")
    assert suite.recorded()["lua-resty-thing"][SKIPPED] == "pass"


def test_what_is_recorded_to_fail_may(suite):
    suite.record(good="pass", bad="fail")
    result = suite.run()
    result.assert_outcomes(passed=1, xfailed=1, skipped=1)
    assert result.ret == 0


def test_what_is_not_recorded_may_not(suite):
    result = suite.run()
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*3 tests are not recorded yet*"])
    assert result.ret == 1


def test_a_pass_that_fails(suite):
    suite.record(bad="pass")
    result = suite.run()
    result.stdout.fnmatch_lines([f"*{BAD}: recorded as pass, now fail"])
    assert result.ret == 1


def test_a_failure_that_passes(suite):
    suite.record(good="fail", bad="fail")
    result = suite.run()
    lines = ["*XPASS(strict)*", "1 of 3 compatibility tests pass"]
    result.stdout.fnmatch_lines(lines)
    assert result.ret == 1


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_pass_that_is_skipped(suite, monkeypatch, ci, code):
    monkeypatch.setenv("CI", ci)
    suite.record(bad="fail", skipped="pass")
    assert suite.run().ret == code


def test_a_pass_that_is_gone(suite):
    suite.record(bad="fail", gone="pass")
    result = suite.run()
    result.stdout.fnmatch_lines(["*test_gone: recorded as pass, now gone"])
    assert result.ret == 1


def test_a_file_that_is_gone(suite, pytester):
    suite.record(bad="fail")
    pytester.makepyfile(test_other=TESTS)
    suite.run("--ledger-update")
    (pytester.path / "test_other.py").unlink()
    assert suite.run().ret == 1


@pytest.mark.parametrize("selection", [["-k", "good"], [GOOD]])
def test_a_part_of_a_file_says_nothing_of_the_rest(suite, selection):
    suite.record(good="pass", bad="pass")
    assert suite.run(*selection).ret == 0


def test_a_failing_fixture_is_a_failure(suite):
    suite.write("""
import pytest

@pytest.fixture
def broken():
    yield
    raise RuntimeError

@pytest.mark.library("lua-resty-thing")
def test_good(broken):
    pass
""")
    suite.run("--ledger-update")
    assert suite.recorded() == {"lua-resty-thing": {GOOD: "fail"}}
