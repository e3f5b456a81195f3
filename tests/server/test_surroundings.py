"""Environment, limits and folder, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, os, resource, sys
from resty_py.server.surroundings import Surroundings

settings = {"env": (), "worker_rlimit_nofile": None, "worker_rlimit_core": None,
            "working_directory": None}
lines = []

class Log:
    def write(self, level, message):
        lines.append([level, message.decode()])

def seen():
    return dict(os.environ)

log, surroundings, result = Log(), Surroundings(), None
exec(sys.stdin.read())
print(json.dumps([result, lines]))
"""


@pytest.fixture
def run(tmp_path):
    """Run code with settings, log, surroundings, seen; return result and lines."""

    def run(code, **environment):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=code,
            env={"PYTHONPATH": str(ROOT), **environment},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return json.loads(done.stdout)

    return run


GIVEN = {"TZ": "UTC", "HOME": "/h", "FOO": "foo", "LUA_PATH": "/l/?.lua"}

ENV = """
settings["env"] = (("FOO", None), ("BAR", "bar"), ("NONE", None), ("BAR", "later"))
"""


class TestEnvironment:
    def test_everything_and_what_is_set_before_init(self, run):
        code = ENV + "surroundings.prepare(settings); result = seen()"
        result, _ = run(code, **GIVEN)
        assert result.items() >= {**GIVEN, "BAR": "bar"}.items()
        assert "NONE" not in result

    def test_only_what_is_named_later(self, run):
        code = ENV + "surroundings.enter(settings, log); result = seen()"
        result, _ = run(code, **GIVEN)
        assert result == {"TZ": "UTC", "FOO": "foo", "BAR": "bar"}

    def test_libc_sees_it(self, run):
        code = (
            ENV
            + "surroundings.enter(settings, log)\n"
            + "from resty_py.vm import VM\n"
            + "names = b'return os.getenv(...)'\n"
            + "get = lambda name: str(VM().run(names, name))\n"
            + "result = [get(name) for name in (b'FOO', b'BAR', b'HOME')]"
        )
        assert run(code, **GIVEN)[0] == ["b'foo'", "b'bar'", "None"]

    def test_a_reload_begins_with_what_was_given(self, run):
        code = (
            ENV
            + "surroundings.enter(settings, log)\n"
            + "settings['env'] = (('NEW', 'new'),)\n"
            + "surroundings.prepare(settings); before = seen()\n"
            + "surroundings.enter(settings, log); result = [before, seen()]"
        )
        (before, after), _ = run(code, **GIVEN)
        assert before.items() >= {**GIVEN, "NEW": "new"}.items()
        assert "BAR" not in before
        assert after == {"TZ": "UTC", "NEW": "new"}

    def test_tz_may_be_set(self, run):
        code = "settings['env'] = (('TZ', 'CET'),)\n"
        code += "surroundings.enter(settings, log); result = seen()"
        assert run(code, **GIVEN)[0] == {"TZ": "CET"}

    def test_names_that_are_none(self, run):
        code = "settings['env'] = (('', 'x'), ('A', ''), ('B\\0', 'x'))\n"
        code += "surroundings.enter(settings, log); result = seen()"
        assert run(code, **GIVEN)[0] == {"TZ": "UTC", "A": ""}

    def test_bytes_that_are_not_utf8(self, run):
        code = "settings['env'] = (('A', '\\udcff'),)\n"
        code += (
            "surroundings.enter(settings, log); result = os.environb[b'A'] == b'\\xff'"
        )
        assert run(code)[0] is True


class TestLimits:
    def test_descriptors_and_cores(self, run):
        code = """
settings["worker_rlimit_nofile"], settings["worker_rlimit_core"] = 100, 0
surroundings.enter(settings, log)
result = [resource.getrlimit(resource.RLIMIT_NOFILE),
          resource.getrlimit(resource.RLIMIT_CORE)]
"""
        assert run(code) == [[[100, 100], [0, 0]], []]

    def test_what_is_not_allowed_is_ignored(self, run):
        code = """
resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
def refuse(*_):
    raise ValueError("not allowed to raise maximum limit")
resource.setrlimit = refuse
settings["worker_rlimit_nofile"] = 100
result = surroundings.enter(settings, log)
"""
        said = "setrlimit(RLIMIT_NOFILE, 100) failed (1: Operation not permitted)"
        assert run(code) == [True, [[2, said]]]


class TestFolder:
    def test_it_is_entered(self, run, tmp_path):
        code = "settings['working_directory'] = '/'\n"
        code += "result = [surroundings.enter(settings, log), os.getcwd()]"
        assert run(code) == [[True, "/"], []]

    def test_home_for_a_while(self, run, tmp_path):
        code = """
settings["working_directory"] = "/"
surroundings.enter(settings, log)
with surroundings.at_home():
    result = [os.getcwd()]
result.append(os.getcwd())
"""
        assert run(code)[0] == [os.path.realpath(tmp_path), "/"]

    def test_it_is_not_there(self, run):
        code = "settings['working_directory'] = '/nowhere'\n"
        code += "result = surroundings.enter(settings, log)"
        said = 'chdir("/nowhere") failed (2: No such file or directory)'
        assert run(code) == [False, [[2, said]]]
