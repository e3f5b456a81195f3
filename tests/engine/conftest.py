"""Makes the pair of servers of tests/modules importable."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "modules"))
