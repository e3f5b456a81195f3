"""TLS for Lua: OpenSSL's own objects, since Python's ssl hides what nginx uses.

Python's ssl module cannot say how a certificate failed after the handshake,
take a key from memory, set a verification depth or a configuration command,
let a certificate be chosen by code that waits, or hand out an ``SSL *``; and
each of its calls costs more than the record it carries. So the runtime calls
libssl and libcrypto themselves, which Python has loaded already where it has
TLS at all.

Rules:

1. Python makes contexts and connections, shakes hands, parses and verifies;
   what moves data, ``SSL_read`` and ``SSL_write``, LuaJIT does by FFI
   (``lualib/resty_py/tls/ffi.lua``), the other flavours by :mod:`.transfer`.
2. Lua knows an object of OpenSSL by its address, a number. Whoever gets one
   owns it and gives it back once: nothing here counts references.
3. A descriptor is nonblocking and stays Lua's: OpenSSL reads and writes it,
   never closes it.
4. The error queue is empty before a call whose failure is to be told, and
   after it (:meth:`~.library.Library.failure`).

Source: ngx_event_openssl.c, ngx_http_lua_socket_tcp.c,
ngx_http_lua_ssl_certby.c and ngx_http_lua_ssl_ocsp.c.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .contexts import Contexts

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Contexts", "functions"]

# Modules and the functions in them that Lua may call. They are imported when it
# does: what speaks no TLS starts sooner, and where there is no OpenSSL.
_FUNCTIONS = {
    "connection": """
        connect handshake check session resumable free_session is_reused
        version cipher description context_of shutdown free
    """,
    "accept": """
        accept answer choose forget hello_extension hello_extensions
        hello_ciphers hello_session_id resume take_session use_protocols
    """,
    "certify": """
        clear_certs set_der_cert set_der_priv_key set_cert set_priv_key
        verify_client set_ocsp_status
    """,
    "peer": "variable verify",
    "ocsp": "responder create_request validate_response",
    "transfer": "read peek write failure",
    "x509": """
        parse_pem_cert parse_der_cert parse_pem_priv_key parse_der_priv_key
        cert_pem_to_der priv_key_pem_to_der free_cert free_priv_key
    """,
}


def functions(contexts: Contexts) -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``tls``.

    Args:
        contexts: those of the worker; its owner closes them.
    """
    return {
        "libraries": _libraries,
        "client_context": contexts.client,
        "server_context": contexts.server,
        **{
            name: _late(module, name)
            for module, names in _FUNCTIONS.items()
            for name in names.split()
        },
    }


def _libraries() -> tuple[bytes, ...]:
    from .library import names

    return tuple(name.encode() for name in names())


def _late(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports the one it stands for when it is called."""
    function: Callable[..., Any] | None = None

    def call(*args: Any) -> Any:
        nonlocal function
        if function is None:
            function = getattr(importlib.import_module(f".{module}", __name__), name)
        return function(*args)

    return call
