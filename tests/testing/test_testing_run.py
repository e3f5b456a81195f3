"""The command: the example's suite, on our server and on the real one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from nginx_modules import load_modules
from testing_suite import MIXED

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"

PATIENCE = 120

ONE = """\
=== TEST 1: a
--- config
location /t { return 200; }
--- request
GET /t
"""


def run(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "resty_py", "test", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_example_is_green_here(tmp_path):
    done = run(EXAMPLE, "--junit", str(tmp_path / "report.xml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "21 passed, 0 failed in" in done.stdout
    suites = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert [(s.get("tests"), s.get("failures")) for s in suites] == [
        ("9", "0"),
        ("12", "0"),
    ]


def test_the_example_is_green_on_the_real_nginx():
    modules = load_modules()
    done = run(EXAMPLE, "--binary", "nginx", TEST_NGINX_LOAD_MODULES=modules)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "21 passed, 0 failed in" in done.stdout


@pytest.fixture
def failing(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "some.t").write_text(MIXED)
    return tmp_path


def test_a_failure_is_explained(failing):
    done = run(failing)
    assert done.returncode == 1
    for part in (
        ".Fs\n",
        "--- t/some.t: TEST 2: wrong (line 17)\n",
        "    -yes\\n\n    +no\\n\n",
        "    GET /t HTTP/1.1\n",
        "this is why",
        "run it alone: resty-py test t/some.t -k 2\n",
        "1 passed, 1 failed, 1 skipped in",
    ):
        assert part in done.stdout, part


def test_one_block_alone(failing):
    done = run(failing, "t/some.t", "-k", "2 or 'left OUT'", "-v")
    assert "1 failed, 1 skipped in" in done.stdout
    assert "skipped: t/some.t: TEST 3: left out: skip_nginx: > 1.0.0" in done.stdout


def test_tap(failing):
    done = run(failing, "--tap")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "TAP version 13",
        "ok 1 - t/some.t: TEST 1: right",
        "not ok 2 - t/some.t: TEST 2: wrong",
    ]
    assert lines[-2:] == [
        "ok 3 - t/some.t: TEST 3: left out # SKIP skip_nginx: > 1.0.0",
        "1..3",
    ]


def test_a_wrong_plan_fails_a_file(tmp_path):
    (tmp_path / "some.t").write_text(
        "plan tests => 3;\n__DATA__\n=== TEST 1: a\n"
        "--- config\nlocation /t { return 200; }\n--- request\nGET /t\n"
    )
    done = run(tmp_path, "some.t")
    assert done.returncode == 1
    assert "--- some.t: planned 3 checks, ran 1" in done.stdout


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("foo(((;", "syntax error"),
        ('die "nothing works"', "its code died: nothing works"),
        ('bail_out("no more")', "its code died: no more"),
    ],
)
def test_code_that_does_not_run_is_an_error(tmp_path, code, text):
    (tmp_path / "some.t").write_text(f"{code};\nrun_tests();\n__DATA__\n{ONE}")
    done = run(tmp_path, "some.t")
    assert done.returncode == 1
    assert "--- some.t: " in done.stdout
    assert text in done.stdout
    assert "0 passed, 0 failed, 1 files in error in" in done.stdout


def test_a_file_left_out_says_why(tmp_path):
    (tmp_path / "some.t").write_text(f"plan skip_all => 'not now';\n__DATA__\n{ONE}")
    done = run(tmp_path, "some.t")
    assert done.returncode == 0
    assert "left out: some.t: not now\n" in done.stdout


def test_a_byte_order_mark_is_not_code(tmp_path):
    data = f"run_tests();\n__DATA__\n{ONE}".encode("utf-8-sig")
    (tmp_path / "some.t").write_bytes(data)
    assert "1 passed, 0 failed in" in run(tmp_path, "some.t").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("binary", [[], ["--binary", "nginx"]])
def test_what_is_interrupted_leaves_nothing(tmp_path, number, binary):
    (tmp_path / "some.t").write_text(
        "run_tests();\n__DATA__\n=== TEST 1: a\n--- config\n"
        "location /t { rewrite_by_lua_block {\n"
        "ngx.log(ngx.WARN, 'it is asked') ngx.sleep(1) } }\n--- request\nGET /t\n"
    )
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "resty_py", "test", "some.t", *binary],
        cwd=tmp_path,
        env={
            **os.environ,
            "TMPDIR": str(tmp_path / "tmp"),
            "TEST_NGINX_LOAD_MODULES": load_modules(),
        },
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + PATIENCE
    while not _is_asked(tmp_path / "tmp"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 130
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not [line for line in _commands() if str(tmp_path) in line]


def _is_asked(folder):
    logs = folder.glob("*/**/error.log")
    return any(": it is asked, " in log.read_text("latin-1") for log in logs)


def _commands():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text("latin-1")


def test_a_server_that_does_not_start_is_a_failure(tmp_path):
    (tmp_path / "some.t").write_text(
        "run_tests();\n__DATA__\n=== TEST 1: a\n"
        "--- config\nno_such_directive on;\n--- request\nGET /t\n"
    )
    done = run(tmp_path, "some.t")
    assert done.returncode == 1
    assert 'unknown directive "no_such_directive" in' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing.t"], "nothing.t: no such file or folder"),
        (["-k", "(a"], "no )"),
        (["--lua", "lua99"], "lua99"),
    ],
)
def test_wrong_usage(tmp_path, arguments, text):
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
