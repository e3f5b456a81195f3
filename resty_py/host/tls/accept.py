"""TLS connections of clients: where their handshakes wait for Lua.

OpenSSL can suspend a handshake in two places: when it has read the client's
hello, and when it wants a certificate. There nothing is decided here: the
handshake comes back to Lua, which may wait as long as it likes, and goes on when
Lua has said what follows (:func:`answer`). So no callback ever calls into the VM.

Rules:

1. A connection has a state from :func:`accept` until :func:`forget`, by its
   address; only the places that Lua asked for suspend it.
2. What is known of the hello is copied in the callback: OpenSSL has it no longer
   when Lua asks.
3. Sessions that a handshake makes are kept until Lua takes them
   (:func:`take_session`); one that Lua has fetched is resumed where OpenSSL asks
   for that identifier.

Source: ngx_http_ssl_servername, ngx_http_lua_ssl_cert_handler,
ngx_http_lua_ssl_client_hello_handler and their kin.
"""

from __future__ import annotations

import ctypes
import enum
from ctypes import POINTER, c_int, c_size_t, c_ubyte, c_uint, c_void_p
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...vm import HostError
from .library import load
from .protocols import PROTOCOLS

if TYPE_CHECKING:
    from .context import Context
    from .library import Library

__all__ = [
    "accept",
    "answer",
    "choose",
    "forget",
    "hello_ciphers",
    "hello_extension",
    "hello_extensions",
    "hello_session_id",
    "install",
    "resume",
    "take_session",
    "use_protocols",
]

_CTRL_SERVERNAME_CALLBACK = 53
_HELLO_SUCCESS, _HELLO_ERROR, _HELLO_RETRY = 1, 0, -1
_ALERT_INTERNAL_ERROR = 80
_EXT_SERVER_NAME = 0
_EXT_SESSION_TICKET = 35
_NO_RENEGOTIATION = 0x40000000
_VERSIONS = sum(PROTOCOLS.values())

#: What ALPN offers: HTTP/1.1, 1.0 and 0.9.
_PROTOCOLS = b"\x08http/1.1\x08http/1.0\x08http/0.9"
_ALPN_NEGOTIATED, _ALPN_OK, _ALPN_FATAL = 1, 0, 2


class _Stage(enum.Enum):
    """How far a place where a handshake may be suspended has come."""

    SKIPPED = enum.auto()
    WANTED = enum.auto()
    ASKED = enum.auto()
    PASSED = enum.auto()
    REFUSED = enum.auto()


@dataclass
class _State:
    """What is known of a client's handshake."""

    hello: _Stage
    certificate: _Stage
    alert: int = _ALERT_INTERNAL_ERROR
    extensions: dict[float, bytes] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    ciphers: bytes = b""
    session_id: bytes = b""
    is_new_session_wanted: bool = False
    fetched: int = 0
    made: list[int] = field(default_factory=list)


_states: dict[int, _State] = {}


# Callbacks ------------------------------------------------------------------


_HelloCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(c_int), c_void_p)
_CertificateCallback = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
_NameCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(c_int), c_void_p)
_NewSessionCallback = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
_GetSessionCallback = ctypes.CFUNCTYPE(
    c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int)
)
_AlpnCallback = ctypes.CFUNCTYPE(
    c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_uint, c_void_p
)


def _on_hello(ssl: int, alert: Any, _arg: int) -> int:
    state = _states.get(ssl)
    if state is None or state.hello in (_Stage.SKIPPED, _Stage.PASSED):
        return _HELLO_SUCCESS
    if state.hello is _Stage.REFUSED:
        alert[0] = state.alert
        return _HELLO_ERROR
    if state.hello is _Stage.WANTED:
        _read_hello(load(), ssl, state)
        state.hello = _Stage.ASKED
    return _HELLO_RETRY


def _on_certificate(ssl: int, _arg: int) -> int:
    state = _states.get(ssl)
    if state is None or state.certificate in (_Stage.SKIPPED, _Stage.PASSED):
        return 1
    if state.certificate is _Stage.REFUSED:
        return 0
    state.certificate = _Stage.ASKED
    return -1


def _on_new_session(ssl: int, session: int) -> int:
    state = _states.get(ssl)
    if state is None or not state.is_new_session_wanted:
        return 0
    state.made.append(session)
    return 1


def _on_get_session(ssl: int, _id: int, _size: int, copy: Any) -> int | None:
    state = _states.get(ssl)
    copy[0] = 0
    if state is None or not state.fetched:
        return None
    session, state.fetched = state.fetched, 0
    return session


def _on_alpn(
    _ssl: int, out: int, out_size: int, offered: int, size: int, _arg: int
) -> int:
    library = load()
    found = library.SSL_select_next_proto(
        out, out_size, _PROTOCOLS, len(_PROTOCOLS), offered, size
    )
    return _ALPN_OK if found == _ALPN_NEGOTIATED else _ALPN_FATAL


_hello_callback = _HelloCallback(_on_hello)
_certificate_callback = _CertificateCallback(_on_certificate)
# The name is acknowledged; who it is for was decided when the hello was read.
_name_callback = _NameCallback(lambda _ssl, _alert, _arg: 0)
_new_session_callback = _NewSessionCallback(_on_new_session)
_get_session_callback = _GetSessionCallback(_on_get_session)
_alpn_callback = _AlpnCallback(_on_alpn)


def install(context: Context) -> None:
    """Let the handshakes of a server's context wait for Lua."""
    library, pointer = context.library, context.pointer
    library.SSL_CTX_set_client_hello_cb(pointer, _hello_callback, None)
    library.SSL_CTX_set_cert_cb(pointer, _certificate_callback, None)
    library.SSL_CTX_callback_ctrl(pointer, _CTRL_SERVERNAME_CALLBACK, _name_callback)
    library.SSL_CTX_set_alpn_select_cb(pointer, _alpn_callback, None)


def keep_sessions(context: Context) -> None:
    """Let Lua store and fetch the sessions of a server's context."""
    library, pointer = context.library, context.pointer
    library.SSL_CTX_sess_set_new_cb(pointer, _new_session_callback)
    library.SSL_CTX_sess_set_get_cb(pointer, _get_session_callback)


def _read_hello(library: Library, ssl: int, state: _State) -> None:
    numbers, count = POINTER(c_int)(), c_size_t()
    if library.SSL_client_hello_get1_extensions_present(
        ssl, ctypes.byref(numbers), ctypes.byref(count)
    ):
        state.order = tuple(numbers[: count.value])
        library.CRYPTO_free(numbers, None, 0)
    data, size = POINTER(c_ubyte)(), c_size_t()
    for number in state.order:
        if library.SSL_client_hello_get0_ext(
            ssl, number, ctypes.byref(data), ctypes.byref(size)
        ):
            state.extensions[number] = bytes(data[: size.value])
    size = c_size_t(library.SSL_client_hello_get0_ciphers(ssl, ctypes.byref(data)))
    state.ciphers = bytes(data[: size.value])
    size = c_size_t(library.SSL_client_hello_get0_session_id(ssl, ctypes.byref(data)))
    state.session_id = bytes(data[: size.value])


# Handshakes -----------------------------------------------------------------


def accept(
    context: float,
    fd: float,
    wants_hello: bool,
    wants_certificate: bool,
    wants_sessions: bool,
) -> int:
    """Return a server's connection over *fd* that has not shaken hands yet.

    Args:
        context: the ``SSL_CTX *`` of the default server.
        fd: the descriptor of the client.
        wants_hello, wants_certificate: where the handshake is suspended.
        wants_sessions: whether sessions are kept for Lua to take.

    Raises:
        HostError: OpenSSL has no memory.
    """
    library = load()
    ssl: int = library.SSL_new(int(context))
    if not ssl or not library.SSL_set_fd(ssl, int(fd)):
        library.ERR_clear_error()
        library.SSL_free(ssl)
        raise HostError("failed to create ssl connection")
    library.SSL_set_accept_state(ssl)
    library.SSL_set_options(ssl, _NO_RENEGOTIATION)
    _states[ssl] = _State(
        _Stage.WANTED if wants_hello else _Stage.SKIPPED,
        _Stage.WANTED if wants_certificate else _Stage.SKIPPED,
        is_new_session_wanted=bool(wants_sessions),
    )
    return ssl


def answer(ssl: float, place: bytes, alert: float | None = None) -> None:
    """Say how a handshake goes on that was suspended.

    Args:
        ssl: the connection.
        place: ``hello`` or ``certificate``.
        alert: the number of the alert to refuse it with, or None.
    """
    state = _states[int(ssl)]
    stage = _Stage.PASSED if alert is None else _Stage.REFUSED
    if alert is not None:
        state.alert = int(alert)
    setattr(state, place.decode(), stage)


def choose(ssl: float, context: float, wants_certificate: bool) -> None:
    """Let another server's context have the handshake: ``ngx_http_ssl_servername``.

    Args:
        ssl: a connection whose hello was read.
        context: the ``SSL_CTX *`` of the server.
        wants_certificate: whether Lua chooses the certificate.
    """
    library = load()
    pointer, chosen = int(ssl), int(context)
    if library.SSL_get_SSL_CTX(pointer) != chosen:
        library.SSL_set_SSL_CTX(pointer, chosen)
        mode = library.SSL_CTX_get_verify_mode(chosen)
        callback = library.SSL_CTX_get_verify_callback(chosen)
        library.SSL_set_verify(pointer, mode, callback)
        library.SSL_set_verify_depth(pointer, library.SSL_CTX_get_verify_depth(chosen))
        # Which versions may be spoken is the default server's to say.
        options = library.SSL_CTX_get_options(chosen) & ~_VERSIONS
        former = library.SSL_get_options(pointer) & ~_VERSIONS
        library.SSL_clear_options(pointer, former & ~options)
        library.SSL_set_options(pointer, options | _NO_RENEGOTIATION)
    state = _states[pointer]
    state.certificate = _Stage.WANTED if wants_certificate else _Stage.SKIPPED


def forget(ssl: float) -> None:
    """Drop what is known of a handshake that is over."""
    state = _states.pop(int(ssl), None)
    if state is not None:
        library = load()
        for session in (*state.made, *([state.fetched] if state.fetched else ())):
            library.SSL_SESSION_free(session)


# Hellos ---------------------------------------------------------------------


def hello_extension(ssl: float, number: float) -> bytes | None:
    """Return the body of an extension of the client's hello, or None."""
    return _states[int(ssl)].extensions.get(number)


def hello_extensions(ssl: float) -> tuple[int, ...]:
    """Return the numbers of the extensions of the client's hello, in their order."""
    return _states[int(ssl)].order


def hello_ciphers(ssl: float) -> bytes:
    """Return the ciphers that the client offers, two bytes each."""
    return _states[int(ssl)].ciphers


def hello_session_id(ssl: float) -> bytes | None:
    """Return the identifier of the session that the client wants to resume.

    None where it has none, or a ticket for it.
    """
    state = _states[int(ssl)]
    if state.extensions.get(_EXT_SESSION_TICKET):
        return None
    return state.session_id or None


def use_protocols(ssl: float, refused: float, among: float) -> None:
    """Refuse versions of the protocol, by ``SSL_OP_NO_*``, and no others.

    Args:
        ssl: the connection.
        refused: those that are not to be used.
        among: all that may be said of.
    """
    library = load()
    library.SSL_clear_options(int(ssl), int(among))
    library.SSL_set_options(int(ssl), int(refused))


# Sessions -------------------------------------------------------------------


def resume(ssl: float, data: bytes) -> bool:
    """Let the handshake resume a session, as it was serialized.

    Raises:
        HostError: it is none.
    """
    library = load()
    buffer = ctypes.create_string_buffer(data, len(data))
    pointer = c_void_p(ctypes.addressof(buffer))
    session = library.d2i_SSL_SESSION(None, ctypes.byref(pointer), len(data))
    if not session:
        library.ERR_clear_error()
        raise HostError("failed to de-serialize session")
    state = _states[int(ssl)]
    if state.fetched:
        library.SSL_SESSION_free(state.fetched)
    state.fetched = session
    return True


def take_session(ssl: float) -> Any:
    """Return identifier and serialization of a session that was made, or None."""
    state = _states.get(int(ssl))
    if state is None or not state.made:
        return None
    library = load()
    session = state.made.pop(0)
    size = c_uint()
    place = library.SSL_SESSION_get_id(session, ctypes.byref(size))
    identifier = ctypes.string_at(place, size.value)
    pointer = c_void_p()
    length = library.i2d_SSL_SESSION(session, None)
    buffer = ctypes.create_string_buffer(max(length, 1))
    pointer.value = ctypes.addressof(buffer)
    library.i2d_SSL_SESSION(session, ctypes.byref(pointer))
    library.SSL_SESSION_free(session)
    return identifier, buffer.raw[:length]
