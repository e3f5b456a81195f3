"""Workers that die while they hammer a dictionary: ``hammer.py`` in a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HAMMER = Path(__file__).parent / "hammer.py"

#: Seconds of hammering: RESTY_PY_HAMMER=60 for the long run.
SECONDS = os.environ.get("RESTY_PY_HAMMER", "2")


@pytest.mark.parametrize("size", ["4000000", "200000", "40000"])
@pytest.mark.parametrize("flavour", ["luajit21", "luajit21,lua51", "lua54"])
def test_nothing_done_is_lost(flavour, size):
    run = subprocess.run(
        [sys.executable, HAMMER, flavour, SECONDS, str(os.getpid()), size],
        capture_output=True,
        text=True,
        timeout=float(SECONDS) + 60,
        check=True,
    )
    report = json.loads(run.stdout)
    assert report["wrong"] == [], run.stderr
    assert run.stderr == ""
    assert report["kills"] > 10
    assert report["done"] > 100


def test_the_dead_are_cleaned_up_after():
    """Of many kills some come in the middle of an operation."""
    run = subprocess.run(
        [sys.executable, HAMMER, "luajit21", "4", "1", "4000000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(run.stdout)["repairs"] > 0
