"""What directives say of TLS, tried out while a configuration is read.

OpenSSL is imported when a configuration speaks of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..vm import HostError
from .errors import ConfError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..host.tls.context import Context
    from ..host.tls.server_context import ServerSettings
    from .model import Endpoint, Location, Server

__all__ = [
    "CLIENT_DIRECTIVES",
    "check_client",
    "check_endpoint",
    "check_proxy",
    "check_servers",
]

#: Blocks in which a location's own proxy_pass is in force.
_WITHIN = ("if", "limit_except")

#: The directives that make the context of cosockets.
CLIENT_DIRECTIVES = frozenset(
    {"lua_ssl_ciphers", "lua_ssl_crl", "lua_ssl_protocols", "lua_ssl_certificate",
     "lua_ssl_certificate_key", "lua_ssl_trusted_certificate",
     "lua_ssl_verify_depth", "lua_ssl_key_log", "lua_ssl_conf_command"}
)  # fmt: skip


def check_client(settings: Mapping[str, Any]) -> None:
    """Find out whether cosockets can do what *settings* say: ``lua_ssl_*``.

    Raises:
        ConfError: they cannot; the text is what nginx says.
    """
    from ..host.tls.context import ClientSettings, new_client_context

    client = ClientSettings(
        protocols=settings["lua_ssl_protocols"],
        ciphers=settings["lua_ssl_ciphers"],
        trusted_certificate=settings["lua_ssl_trusted_certificate"],
        verify_depth=settings["lua_ssl_verify_depth"],
        crl=settings["lua_ssl_crl"],
        certificate=settings["lua_ssl_certificate"],
        certificate_key=settings["lua_ssl_certificate_key"],
        key_log=settings["lua_ssl_key_log"],
        conf_commands=tuple(settings["lua_ssl_conf_command"]),
    )
    _try(lambda: new_client_context(client))


def check_proxy(location: Location) -> None:
    """Find out whether an upstream can be asked as ``proxy_ssl_*`` say.

    Follows ``ngx_http_proxy_set_ssl``. Where variables make the URL, which may not
    be one of https, only what is said of certificates is tried.

    Raises:
        ConfError: they cannot; the text is what nginx says.
    """
    if location.content != "proxy" and location.modifier not in _WITHIN:
        return
    settings = location.settings
    target = settings["proxy_pass"]
    certificate = settings["proxy_ssl_certificate"]
    is_verified = settings["proxy_ssl_verify"]
    if target is None:
        return
    url = target.url.constant
    if not (url.lower().startswith("https:") if url else certificate or is_verified):
        return
    from ..host.tls.context import ClientSettings, new_client_context

    if certificate and not settings["proxy_ssl_certificate_key"]:
        raise ConfError(
            f'no "proxy_ssl_certificate_key" is defined for certificate "{certificate}"'
        )
    trusted = settings["proxy_ssl_trusted_certificate"]
    if is_verified and not trusted:
        raise ConfError("no proxy_ssl_trusted_certificate for proxy_ssl_verify")
    client = ClientSettings(
        protocols=settings["proxy_ssl_protocols"],
        ciphers=settings["proxy_ssl_ciphers"],
        trusted_certificate=trusted if is_verified else None,
        verify_depth=settings["proxy_ssl_verify_depth"],
        crl=settings["proxy_ssl_crl"] if is_verified else None,
        certificate=certificate,
        certificate_key=settings["proxy_ssl_certificate_key"],
        key_log=None,
        conf_commands=tuple(settings["proxy_ssl_conf_command"]),
    )
    _try(lambda: new_client_context(client))


def _try(make: Callable[[], Context]) -> None:
    from ..host.tls.library import TlsError

    try:
        make().close()
    except TlsError as exc:
        raise ConfError(exc.text) from exc
    except HostError as exc:
        raise ConfError(str(exc)) from exc


def check_servers(servers: Sequence[Server]) -> None:
    """Find out whether servers can do what ``ssl_*`` say.

    Raises:
        ConfError: one cannot; the text is what nginx says.
    """
    for server in servers:
        _check_server(server)


def _check_server(server: Server) -> None:
    """Find out whether a server can do what ``ssl_*`` say.

    Raises:
        ConfError: it cannot; the text is what nginx says.
    """
    from ..host.tls.server_context import new_server_context

    settings = server.settings
    certificates, keys = settings["ssl_certificate"], settings["ssl_certificate_key"]
    if not certificates and not settings["ssl_reject_handshake"]:
        if "ssl_certificate" in server.hooks or "ssl_client_hello" in server.hooks:
            raise ConfError("no ssl configured for the server")
        return
    if len(keys) < len(certificates):
        bare = certificates[len(keys)]
        raise ConfError(f'no "ssl_certificate_key" is defined for certificate "{bare}"')
    _try(lambda: new_server_context(_server_settings(settings)))


def _server_settings(settings: Mapping[str, Any]) -> ServerSettings:
    from ..host.tls.server_context import ServerSettings

    return ServerSettings(
        certificates=settings["ssl_certificate"],
        keys=settings["ssl_certificate_key"],
        password_file=settings["ssl_password_file"],
        protocols=settings["ssl_protocols"],
        ciphers=settings["ssl_ciphers"],
        prefer_server_ciphers=settings["ssl_prefer_server_ciphers"],
        ecdh_curve=settings["ssl_ecdh_curve"],
        verify_client=settings["ssl_verify_client"],
        verify_depth=settings["ssl_verify_depth"],
        client_certificate=settings["ssl_client_certificate"],
        trusted_certificate=settings["ssl_trusted_certificate"],
        crl=settings["ssl_crl"],
        session_cache=settings["ssl_session_cache"] or (),
        session_timeout=settings["ssl_session_timeout"],
        session_tickets=settings["ssl_session_tickets"],
        conf_commands=settings["ssl_conf_command"],
    )


def check_endpoint(endpoint: Endpoint, servers: Sequence[Server]) -> None:
    """Find out whether who listens for TLS has certificates: ``ngx_http_ssl_init``.

    Raises:
        ConfError: some server has none.
    """
    if not endpoint.options.get("ssl"):
        return
    default = servers[endpoint.default]
    if default.settings["ssl_certificate"]:
        return
    needy = [default, *(servers[number] for number in endpoint.servers)]
    for server in needy:
        settings = server.settings
        if not settings["ssl_certificate"] and not settings["ssl_reject_handshake"]:
            raise ConfError(
                'no "ssl_certificate" is defined for the "listen ... ssl" directive '
                f"in {server.base.file}:{server.base.line}"
            )
