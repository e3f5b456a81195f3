"""Serving: workers, listeners, logs, and what stops them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_names

if TYPE_CHECKING:
    from .config import AppConfig, Limits, SettingError
    from .listeners import Address, ListenError
    from .serving import open_worker, serve, serve_app
    from .worker import Worker

__all__ = [
    "Address",
    "AppConfig",
    "Limits",
    "ListenError",
    "SettingError",
    "Worker",
    "open_worker",
    "serve",
    "serve_app",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Address": ".listeners",
        "AppConfig": ".config",
        "Limits": ".config",
        "ListenError": ".listeners",
        "SettingError": ".config",
        "Worker": ".worker",
        "open_worker": ".serving",
        "serve": ".serving",
        "serve_app": ".serving",
    },
)
