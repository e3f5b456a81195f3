"""Upstream's own suites, run by resty-py's runner and held against a ledger.

Interface, for a suite of another project:

1. Describe it: a ``Suite`` in ``suites.py``: name, ``Source`` (Debian's source
   package, upstream's tarball in it and its SHA-256), servers, variables,
   flavours.
2. In this folder's parent: ::

       python -m upstream path SUITE            # download it; prints its folder
       python -m upstream real SUITE            # what the real nginx does not pass
       python -m upstream update SUITE          # run it, write the ledger
       python -m upstream update SUITE --lua lua54 --force    # its first run
       python -m upstream update SUITE --lua lua54
       python -m upstream run SUITE [FILE ...]  # run it, compare with the ledger
       python -m upstream page                  # write the scores into docs

   ``update`` only improves a ledger; ``--force [REASON]`` lets passing blocks go.
3. ``test_upstream.py`` fails where a block that is recorded to pass does not.

From Python: ``suite.source.fetch()`` gives the folder, ``Run(suite, tree,
flavour)`` runs files or blocks, ``record.compare(run, names)`` holds them against
the ledger and ``record.record(run, names)`` writes it; ``suite.ledger`` is the
ledger itself.
"""
