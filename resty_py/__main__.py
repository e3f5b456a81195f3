"""``python -m resty_py`` is ``resty-py``."""

import sys

from .cli import main

sys.exit(main())
