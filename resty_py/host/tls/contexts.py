"""The contexts of a worker, which its owner closes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...vm import HostError

if TYPE_CHECKING:
    from .context import ClientSettings, Context

__all__ = ["Contexts"]


class Contexts:
    """One context for each set of client's settings, and those of the servers."""

    def __init__(self) -> None:
        self._clients: dict[ClientSettings, Context] = {}
        self._servers: list[Context] = []

    def close(self) -> None:
        """Let go of all; connections that are left keep theirs."""
        for context in (*self._clients.values(), *self._servers):
            context.close()
        self._clients.clear()
        self._servers.clear()

    def client(
        self,
        protocols: bytes,
        ciphers: bytes,
        trusted: bytes | None,
        depth: float,
        crl: bytes | None,
        certificate: bytes | None,
        key: bytes | None,
        key_log: bytes | None,
        *commands: bytes,
    ) -> int:
        """Return the ``SSL_CTX *`` for cosockets where these settings hold.

        Args:
            protocols: names, parted by spaces.
            ciphers, trusted, depth, crl, certificate, key, key_log: the
                directives ``lua_ssl_*``; None: not said.
            commands: names and values of ``lua_ssl_conf_command`` in turn.

        Raises:
            HostError: a file cannot be used, or OpenSSL is not installed.
        """
        from .context import ClientSettings, new_client_context
        from .library import TlsError

        settings = ClientSettings(
            tuple(protocols.decode().split()),
            ciphers.decode(),
            _path(trusted),
            int(depth),
            _path(crl),
            _path(certificate),
            _path(key),
            _path(key_log),
            tuple(
                (name.decode(), value.decode())
                for name, value in zip(commands[::2], commands[1::2], strict=True)
            ),
        )
        found = self._clients.get(settings)
        if found is None:
            try:
                found = new_client_context(settings)
            except TlsError as exc:
                raise HostError(exc.text) from exc
            self._clients[settings] = found
        return found.pointer

    def server(self, *pairs: Any) -> int:
        """Return the ``SSL_CTX *`` of a server.

        Args:
            pairs: as :func:`.server_context.read_settings` takes them.

        Raises:
            HostError: a file cannot be used, or OpenSSL is not installed.
        """
        from .library import TlsError
        from .server_context import new_server_context, read_settings

        try:
            context = new_server_context(read_settings(pairs))
        except TlsError as exc:
            raise HostError(exc.text) from exc
        self._servers.append(context)
        return context.pointer


def _path(path: bytes | None) -> str | None:
    return os.fsdecode(path) if path else None
