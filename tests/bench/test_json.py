"""python -m bench.json, as a process: it makes Lua's symbols global."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_table():
    done = subprocess.run(
        [sys.executable, "-m", "bench.json"], cwd=ROOT, capture_output=True, text=True
    )
    if "is not installed" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    for name in ("decode", "encode"):
        assert re.search(rf"^{name} +[\d.]+ us +[\d.]+ us +[\d.]+x$", done.stdout, re.M)
