"""Reads a configuration: ``nginx -p PREFIX -c PATH -g GLOBALS -t``."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

from .builder import close_block, main_settings
from .errors import ConfError
from .model import Config
from .parser import Parser
from .reading import Reading, prefix_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load"]


def load(
    path: str | Path,
    prefix: str | Path,
    global_directives: str = "",
    *,
    lenient: bool = False,
) -> Config:
    """Read and check a configuration.

    Args:
        path: the configuration file; relative to *prefix*.
        prefix: what paths in it are relative to.
        global_directives: the text of the ``-g`` option.
        lenient: leave out what is not supported yet, with a warning each,
            instead of refusing it.

    Raises:
        ConfError: it cannot be read or used; the text is the one line that
            nginx 1.22 prints, or says what is not supported yet.
    """
    home = prefix_of(prefix)
    file = os.path.join(home, path)
    reading = Reading(home, os.path.join(os.path.dirname(file), ""), lenient)
    parser = Parser(reading, close_block)
    try:
        tree = parser.parse(file, global_directives)
        settings = main_settings(parser.main, reading)
    except ConfError as exc:
        exc.notices = tuple(reading.notices)
        raise
    http = parser.main.last("http")
    return Config(
        path=file,
        prefix=reading.prefix,
        conf_prefix=reading.conf_prefix,
        settings=settings,
        http=http and http.head,
        tree=tree,
        notices=tuple(reading.notices),
        files=MappingProxyType(reading.files),
    )
