"""Lua libraries that know nothing of OpenResty, run by ``resty-py run``.

Two kinds:

- *suites*: the tests that a library's own source package has, as they are, by
  busted, lunit or alone;
- *probes*: scripts of our own for libraries whose tests need what cannot be had;
  what a probe prints has to be what Debian's ``lua5.1`` prints.

``specs.json`` records how many tests of a library pass on each flavour, and on
``lua5.1``: ``"library": {"luajit21": [passed, total]}``.

    python -m specs run [LIBRARY...]       compare with what is recorded
    python -m specs update [LIBRARY...]    write it down
"""
