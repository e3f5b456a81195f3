"""The context of a server: what ``ssl_*`` say of the TLS it speaks.

Source: ngx_http_ssl_merge_srv_conf, ngx_ssl_certificate,
ngx_ssl_client_certificate and ngx_ssl_session_cache.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .accept import install, keep_sessions
from .context import Context
from .library import TlsError
from .x509 import NO_MORE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .library import Library

__all__ = ["ServerSettings", "new_server_context", "read_settings"]

_CTRL_SESSION_CACHE_MODE, _CTRL_SESSION_CACHE_SIZE = 44, 42
_CTRL_CHAIN, _CTRL_GROUPS = 88, 92
_OP_NO_TICKET, _OP_CIPHER_SERVER_PREFERENCE = 0x4000, 0x400000
_VERIFY_PEER = 1

# SSL_SESS_CACHE_SERVER; with _NO_AUTO_CLEAR, _NO_INTERNAL_STORE and
# _NO_INTERNAL_LOOKUP: clients are told that sessions are kept, and none is.
_CACHE_OFF, _CACHE_SERVER, _CACHE_NOTHING = 0x0, 0x2, 0x382
#: Sessions that ``builtin`` keeps.
_CACHE_SIZE = 20480


@dataclass(frozen=True)
class ServerSettings:
    """What ``ssl_*`` say; paths are absolute, None where nothing is said.

    Attributes:
        session_cache: the parameters of ``ssl_session_cache``.
        keeps_sessions: whether Lua stores or fetches sessions.
    """

    certificates: tuple[str, ...]
    keys: tuple[str, ...]
    password_file: str | None
    protocols: tuple[str, ...]
    ciphers: str
    prefer_server_ciphers: bool
    ecdh_curve: str
    verify_client: str
    verify_depth: int
    client_certificate: str | None
    trusted_certificate: str | None
    crl: str | None
    session_cache: tuple[str, ...]
    session_timeout: float
    session_tickets: bool
    conf_commands: tuple[tuple[str, str], ...]
    keeps_sessions: bool = False


_LISTS = {
    "certificate": "certificates",
    "key": "keys",
    "protocol": "protocols",
    "session_cache": "session_cache",
}
_FILES = ("certificate", "key", "password_file", "client_certificate",
          "trusted_certificate", "crl")  # fmt: skip


def read_settings(pairs: tuple[Any, ...]) -> ServerSettings:
    """Return the settings that Lua gives as names and values in turn.

    Args:
        pairs: fields of :class:`ServerSettings`, those of lists in the singular
            and item by item.
    """
    lists: dict[str, list[Any]] = {name: [] for name in _LISTS.values()}
    commands: list[str] = []
    single: dict[str, Any] = dict.fromkeys(_FILES[2:])
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        name = key.decode()
        item = _text(name, value)
        if name == "conf_command":
            commands.append(item)
        elif name in _LISTS:
            lists[_LISTS[name]].append(item)
        else:
            single[name] = item
    fields: dict[str, Any] = {
        **single,
        **{name: tuple(items) for name, items in lists.items()},
        "verify_depth": int(single["verify_depth"]),
        "conf_commands": tuple(zip(commands[::2], commands[1::2], strict=True)),
    }
    return ServerSettings(**fields)


def _text(name: str, value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return os.fsdecode(value) if name in _FILES else value.decode()


def new_server_context(settings: ServerSettings) -> Context:
    """Return the context of a server.

    Raises:
        TlsError: a file is missing or malformed, or there is no such cipher.
        HostError: OpenSSL is not installed.
    """
    return Context.made(_apply, settings)


def _apply(context: Context, settings: ServerSettings) -> None:
    context.set_up(settings.protocols)
    install(context)
    _use_certificates(context, settings)
    context.set_ciphers(settings.ciphers)
    library, pointer = context.library, context.pointer
    if settings.prefer_server_ciphers:
        library.SSL_CTX_set_options(pointer, _OP_CIPHER_SERVER_PREFERENCE)
    _verify(context, settings)
    if settings.crl:
        context.revoke(settings.crl)
    if settings.ecdh_curve != "auto":
        curves = settings.ecdh_curve.encode()
        if not library.SSL_CTX_ctrl(pointer, _CTRL_GROUPS, 0, curves):
            raise library.failure(
                f'SSL_CTX_set1_curves_list("{settings.ecdh_curve}") failed'
            )
    if not settings.session_tickets:
        library.SSL_CTX_set_options(pointer, _OP_NO_TICKET)
    _cache_sessions(context, settings)
    context.command(settings.conf_commands)


# Certificates ---------------------------------------------------------------


def _use_certificates(context: Context, settings: ServerSettings) -> None:
    passwords = _passwords(settings.password_file)
    for certificate, key in zip(settings.certificates, settings.keys, strict=False):
        _use_certificate(context, certificate)
        _use_key(context, key, passwords)


def _passwords(path: str | None) -> tuple[bytes, ...]:
    """Return the passwords in a file, one a line: ``ngx_ssl_read_password_file``."""
    if path is None:
        return (b"",)
    try:
        with open(path, "rb") as file:
            return tuple(file.read().splitlines()) or (b"",)
    except OSError as exc:
        raise TlsError(f'open() "{path}" failed ({exc.errno}: {exc.strerror})') from exc


def _use_certificate(context: Context, path: str) -> None:
    """Present the certificates in a file: the first, and its chain."""
    library, pointer = context.library, context.pointer
    kind = f'cannot load certificate "{path}"'
    first, *others = _read_certificates(library, path, kind)
    used = library.SSL_CTX_use_certificate(pointer, first)
    library.X509_free(first)
    if not used:
        raise library.failure(f'SSL_CTX_use_certificate("{path}") failed')
    chain = library.OPENSSL_sk_new_null()
    for certificate in others:
        library.OPENSSL_sk_push(chain, certificate)
    # The context owns the chain now.
    library.SSL_CTX_ctrl(pointer, _CTRL_CHAIN, 0, chain)


def _open(library: Library, path: str, kind: str) -> int:
    bio: int = library.BIO_new_file(os.fsencode(path), b"r")
    if not bio:
        raise library.failure(f"{kind}: BIO_new_file() failed")
    return bio


def _read_certificates(library: Library, path: str, kind: str) -> list[int]:
    bio = _open(library, path, kind)
    try:
        first = library.PEM_read_bio_X509_AUX(bio, None, None, None)
        if not first:
            raise library.failure(f"{kind}: PEM_read_bio_X509_AUX() failed")
        found = [first]
        while certificate := library.PEM_read_bio_X509(bio, None, None, None):
            found.append(certificate)
        if library.reason() != NO_MORE:
            for certificate in found:
                library.X509_free(certificate)
            raise library.failure(f"{kind}: PEM_read_bio_X509() failed")
        library.ERR_clear_error()
        return found
    finally:
        library.BIO_free(bio)


def _use_key(context: Context, path: str, passwords: tuple[bytes, ...]) -> None:
    library = context.library
    kind = f'cannot load certificate key "{path}"'
    for key in _read_keys(library, path, kind, passwords):
        used = library.SSL_CTX_use_PrivateKey(context.pointer, key)
        library.EVP_PKEY_free(key)
        if not used:
            raise library.failure(f'SSL_CTX_use_PrivateKey("{path}") failed')
        return


def _read_keys(
    library: Library, path: str, kind: str, passwords: tuple[bytes, ...]
) -> Iterator[int]:
    """Yield the key, read with the password that opens it."""
    for number, password in enumerate(passwords):
        library.ERR_clear_error()
        bio = _open(library, path, kind)
        key = library.PEM_read_bio_PrivateKey(bio, None, None, password)
        library.BIO_free(bio)
        if key:
            yield key
            return
        if number + 1 == len(passwords):
            raise library.failure(f"{kind}: PEM_read_bio_PrivateKey() failed")


# Clients --------------------------------------------------------------------


def _verify(context: Context, settings: ServerSettings) -> None:
    if settings.verify_client != "off":
        if not settings.client_certificate and (
            settings.verify_client != "optional_no_ca"
        ):
            raise TlsError("no ssl_client_certificate for ssl_verify_client")
        context.ask_for_certificate(settings.verify_depth)
        if settings.client_certificate:
            _name_authorities(
                context, settings.client_certificate, settings.verify_depth
            )
    if settings.trusted_certificate:
        context.trust(
            settings.trusted_certificate,
            settings.verify_depth,
            _VERIFY_PEER if settings.verify_client != "off" else 0,
        )


def _name_authorities(context: Context, path: str, depth: int) -> None:
    library, pointer = context.library, context.pointer
    context.trust(path, depth, _VERIFY_PEER)
    names = library.SSL_load_client_CA_file(os.fsencode(path))
    if not names:
        raise library.failure(f'SSL_load_client_CA_file("{path}") failed')
    library.SSL_CTX_set_client_CA_list(pointer, names)


# Sessions -------------------------------------------------------------------


def _cache_sessions(context: Context, settings: ServerSettings) -> None:
    library, pointer = context.library, context.pointer
    identity = hashlib.sha256("\n".join(settings.certificates).encode()).digest()
    library.SSL_CTX_set_session_id_context(pointer, identity, len(identity))
    words = {word.partition(":")[0] for word in settings.session_cache}
    if settings.keeps_sessions:
        mode = _CACHE_NOTHING
        keep_sessions(context)
    elif words & {"builtin", "shared"}:
        mode = _CACHE_SERVER
        library.SSL_CTX_ctrl(pointer, _CTRL_SESSION_CACHE_SIZE, _CACHE_SIZE, None)
    else:
        mode = _CACHE_OFF if "off" in words else _CACHE_NOTHING
    library.SSL_CTX_ctrl(pointer, _CTRL_SESSION_CACHE_MODE, mode, None)
    library.SSL_CTX_set_timeout(pointer, int(settings.session_timeout))
