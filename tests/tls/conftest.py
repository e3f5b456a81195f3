"""One authority for all tests of TLS: keys take their time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from authority import Authority

sys.path.append(str(Path(__file__).parents[1] / "nginx"))


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))
