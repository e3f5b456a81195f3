"""TLS for clients and HTTP/2; not supported yet."""

from __future__ import annotations

from ..table import Module
from .shorthand import (
    HTTP,
    HTTP_SERVER,
    LOCAL,
    later,
)

__all__ = ["MODULES"]

MODULES = (
    Module("ngx_http_ssl_module", (
        *later(
            HTTP_SERVER, "1",
            """ssl ssl_certificate ssl_certificate_key ssl_password_file ssl_dhparam
            ssl_ecdh_curve ssl_ciphers ssl_buffer_size ssl_verify_client
            ssl_verify_depth ssl_client_certificate ssl_trusted_certificate
            ssl_prefer_server_ciphers ssl_session_tickets ssl_session_ticket_key
            ssl_session_timeout ssl_crl ssl_ocsp ssl_ocsp_responder ssl_ocsp_cache
            ssl_stapling ssl_stapling_file ssl_stapling_responder
            ssl_stapling_verify ssl_early_data ssl_reject_handshake""",
        ),
        *later(HTTP_SERVER, "1+", "ssl_protocols"),
        *later(HTTP_SERVER, "1-2", "ssl_session_cache"),
        *later(HTTP_SERVER, "2", "ssl_conf_command"),
    )),
    Module("ngx_http_v2_module", (
        *later(HTTP, "1", "http2_recv_buffer_size"),
        *later(
            HTTP_SERVER, "1",
            """http2_pool_size http2_max_concurrent_streams http2_max_concurrent_pushes
            http2_max_requests http2_max_field_size http2_max_header_size
            http2_body_preread_size http2_streams_index_size http2_recv_timeout
            http2_idle_timeout""",
        ),
        *later(LOCAL, "1", "http2_chunk_size http2_push_preload http2_push"),
    )),
)  # fmt: skip
