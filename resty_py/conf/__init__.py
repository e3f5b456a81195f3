"""nginx.conf: text to a checked configuration, with nginx's own errors."""

from __future__ import annotations

from .errors import ConfError, Notice, UnsupportedError
from .loader import load
from .model import Config

__all__ = ["ConfError", "Config", "Notice", "UnsupportedError", "load"]
