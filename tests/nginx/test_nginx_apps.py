"""Ten applications: what resty-py says to a client is what OpenResty says.

Each application is served by both, see ``nginx_pair``, and asked the same things;
so are its access logs compared, and what its error log has of warnings and worse.
"""

import difflib
import shutil
import subprocess
from functools import partial
from importlib import import_module

import pytest
from conversation import Case, with_names
from differences import DIFFERENCES
from differential import short_folder
from nginx_pair import (
    APPS,
    Record,
    copy_app,
    free_ports,
    nginx_command,
    our_command,
    ports_of,
    record,
)
from real_nginx import require_nginx
from transcript import access_lines, answer_lines, count_answers, error_lines

NAMES = sorted(path.name for path in APPS.iterdir())

MODULES = {name: import_module(f"cases_{name}") for name in NAMES}
CASES = {name: with_names(module.CASES) for name, module in MODULES.items()}

#: How many answers nginx gives at least, to all cases together.
ENOUGH = 400

#: A Lua that has no FFI and is not that of LuaJIT, to try the same on.
OTHER_LUA = "lua54"


def record_all(name: str) -> tuple[Record, Record, Record]:
    """Return what nginx does, what ours does, and ours on the other Lua."""
    files = getattr(MODULES[name], "FILES", {})
    links = getattr(MODULES[name], "LINKS", {})
    nginx = require_nginx()
    with short_folder() as folder, free_ports(ports_of(name)) as ports:
        prefix = folder / name

        def serve(command):
            copy_app(name, prefix, ports, files, links)
            done = record(command(), prefix, ports, CASES[name])
            shutil.rmtree(prefix)
            return done

        return (
            serve(partial(nginx_command, nginx, prefix)),
            serve(partial(our_command, prefix)),
            serve(partial(our_command, prefix, "--lua", OTHER_LUA)),
        )


@pytest.fixture(scope="module")
def recorded():
    """Return a function: what all servers did with an application, asked once."""
    known = {}

    def find(name):
        if name not in known:
            try:
                known[name] = record_all(name)
            except BaseException as exc:
                known[name] = exc
        if isinstance(known[name], BaseException):
            raise known[name]
        return known[name]

    return find


def verdict(app: str, what: str, theirs: list[str], ours: list[str]) -> str:
    """Return what is wrong, or nothing."""
    reason = DIFFERENCES.get(app, {}).get(what)
    if theirs == ours:
        return f"{what} does not differ any more: {reason}" if reason else ""
    if reason:
        return ""
    return "\n".join(difflib.unified_diff(theirs, ours, what, n=9, lineterm=""))


def expect_none(*verdicts: str) -> None:
    wrong = list(filter(None, verdicts))
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.parametrize(
    ("app", "case"),
    [(name, case) for name in NAMES for case in CASES[name]],
    ids=lambda value: getattr(value, "name", value),
)
def test_answers(app: str, case: Case, recorded):
    theirs, ours, _ = recorded(app)
    both = (answer_lines(one.answers[case.name]) for one in (theirs, ours))
    expect_none(verdict(app, case.name, *both))


@pytest.mark.parametrize("app", NAMES)
def test_answers_on_another_lua(app, recorded):
    theirs, _, ours = recorded(app)
    expect_none(
        *(
            verdict(app, name, answer_lines(answer), answer_lines(ours.answers[name]))
            for name, answer in theirs.answers.items()
        )
    )


@pytest.mark.parametrize("app", NAMES)
def test_access_logs(app, recorded):
    theirs, *ours = recorded(app)
    for one in ours:
        assert sorted(theirs.access) == sorted(one.access)
        expect_none(
            *(
                verdict(app, name, access_lines(lines), access_lines(one.access[name]))
                for name, lines in theirs.access.items()
            )
        )


@pytest.mark.parametrize("app", NAMES)
def test_error_log(app, recorded):
    theirs, ours, _ = recorded(app)
    both = (error_lines(one.errors) for one in (theirs, ours))
    expect_none(verdict(app, "error.log", *both))


@pytest.mark.parametrize("app", NAMES)
def test_configuration_is_accepted(app, tmp_path):
    with free_ports(ports_of(app)) as ports:
        copy_app(app, tmp_path / app, ports)
        command = our_command(tmp_path / app, "-t")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    complaints = [line for line in lines if not line.startswith("nginx: [alert] lua_")]
    path = tmp_path / app / "conf/nginx.conf"
    assert complaints == [
        f"nginx: the configuration file {path} syntax is ok",
        f"nginx: configuration file {path} test is successful",
    ]
    assert done.returncode == 0


def test_there_are_enough(recorded):
    answers = [answer for app in NAMES for answer in recorded(app)[0].answers.values()]
    assert sum(map(count_answers, answers)) >= ENOUGH
