"""resty-py: OpenResty without nginx, on Trio."""

from ._version import __version__

__all__ = ["__version__"]
