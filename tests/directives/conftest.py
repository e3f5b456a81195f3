"""Makes what serves and compares the applications of tests/nginx importable."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "nginx"))
