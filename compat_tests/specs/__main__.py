"""``python -m specs``: run the libraries' tests and keep their ledger."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .run import LEDGER, read_ledger, run, write_ledger
from .suites import FLAVOURS, LIBRARIES, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments *argv* and return its exit code."""
    if not argv or argv[0] not in ("run", "update"):
        print("usage: python -m specs run|update [LIBRARY...]", file=sys.stderr)
        return 2
    recorded = read_ledger() if LEDGER.exists() else {}
    for name in argv[1:] or LIBRARIES:
        for flavour in (REFERENCE, *FLAVOURS):
            count = run(LIBRARIES[name], flavour)
            print(f"{name} {flavour}: {count.passed}/{count.total}", flush=True)
            if argv[0] == "update":
                numbers = [count.passed, count.total]
                recorded.setdefault(name, {})[flavour] = numbers
            elif count.passed < recorded[name][flavour][0]:
                print(count.output)
    if argv[0] == "update":
        write_ledger(recorded)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
