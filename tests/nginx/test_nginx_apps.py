"""Ten applications: what resty-py says to a client is what OpenResty says.

Each application is served twice, see ``nginx_pair``, and asked the same things;
so are its access logs and what is wrong in its error log compared.
"""

import difflib
import shutil
import subprocess
from functools import partial
from importlib import import_module
from types import ModuleType

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
    require_nginx,
)
from transcript import access_lines, answer_lines, count_answers, error_lines

NAMES = sorted(path.name for path in APPS.iterdir())

#: How many answers nginx gives at least, to all cases together.
ENOUGH = 400


def module_of(name: str) -> ModuleType:
    return import_module(f"cases_{name}")


CASES = {name: with_names(module_of(name).CASES) for name in NAMES}


def record_both(name: str) -> tuple[Record, Record]:
    module = module_of(name)
    files, links = getattr(module, "FILES", {}), getattr(module, "LINKS", {})
    nginx = require_nginx()
    with short_folder() as folder, free_ports(ports_of(name)) as ports:
        prefix = folder / name

        def serve(make_command):
            copy_app(name, prefix, ports, files, links)
            done = record(make_command(prefix), prefix, ports, CASES[name])
            shutil.rmtree(prefix)
            return done

        return serve(partial(nginx_command, nginx)), serve(our_command)


@pytest.fixture(scope="module")
def recorded():
    """Return a function: what both servers did with an application."""
    known = {}

    def find(name):
        if name not in known:
            try:
                known[name] = record_both(name)
            except BaseException as exc:
                known[name] = exc
                raise
        if isinstance(known[name], BaseException):
            raise known[name]
        return known[name]

    return find


def compare(app: str, what: str, theirs: list[str], ours: list[str]) -> None:
    reason = DIFFERENCES.get(app, {}).get(what)
    if theirs == ours:
        assert reason is None, f"this does not differ any more: {reason}"
    elif reason is None:
        diff = difflib.unified_diff(theirs, ours, "nginx", "resty-py", n=9, lineterm="")
        pytest.fail("\n".join(diff), pytrace=False)


ALL = [(name, case) for name in NAMES for case in CASES[name]]


@pytest.mark.parametrize(
    ("app", "case"), ALL, ids=lambda value: getattr(value, "name", value)
)
def test_answers(app: str, case: Case, recorded):
    theirs, ours = (answer_lines(one.answers[case.name]) for one in recorded(app))
    compare(app, case.name, theirs, ours)


@pytest.mark.parametrize("app", NAMES)
def test_access_logs(app, recorded):
    theirs, ours = recorded(app)
    assert sorted(theirs.access) == sorted(ours.access)
    for name in theirs.access:
        both = (access_lines(one.access[name]) for one in (theirs, ours))
        compare(app, name, *both)


@pytest.mark.parametrize("app", NAMES)
def test_error_log(app, recorded):
    theirs, ours = (error_lines(one.errors) for one in recorded(app))
    compare(app, "error.log", theirs, ours)


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
    count = sum(
        count_answers(answer)
        for name in NAMES
        for answer in recorded(name)[0].answers.values()
    )
    assert count >= ENOUGH
