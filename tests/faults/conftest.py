"""Puts tests/http on the import path: server_wire speaks to these servers too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "http"))
