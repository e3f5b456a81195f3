"""Makes the served app of tests/api and the servers of tests/modules importable."""

import sys
from pathlib import Path

for folder in ("api", "modules"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
