"""Modules that talk to other servers and are not supported yet."""

from __future__ import annotations

from ..table import Module
from .shorthand import (
    HTTP,
    LOCAL,
    LOCATIONS,
    later,
    temp_path,
)

__all__ = ["MODULES"]

MODULES = (
    Module("ngx_http_fastcgi_module", (
        *later(LOCATIONS, "1", "fastcgi_pass"),
        *later(
            LOCAL, "1",
            """fastcgi_index fastcgi_split_path_info fastcgi_store fastcgi_buffering
            fastcgi_request_buffering fastcgi_ignore_client_abort
            fastcgi_socket_keepalive fastcgi_connect_timeout fastcgi_send_timeout
            fastcgi_send_lowat fastcgi_buffer_size fastcgi_pass_request_headers
            fastcgi_pass_request_body fastcgi_intercept_errors fastcgi_read_timeout
            fastcgi_busy_buffers_size fastcgi_force_ranges fastcgi_limit_rate
            fastcgi_cache fastcgi_cache_key fastcgi_cache_min_uses
            fastcgi_cache_max_range_offset fastcgi_cache_lock
            fastcgi_cache_lock_timeout fastcgi_cache_lock_age
            fastcgi_cache_revalidate fastcgi_cache_background_update
            fastcgi_max_temp_file_size fastcgi_temp_file_write_size
            fastcgi_next_upstream_tries fastcgi_next_upstream_timeout
            fastcgi_pass_header fastcgi_hide_header fastcgi_catch_stderr
            fastcgi_keep_conn""",
        ),
        *later(LOCAL, "1-3", "fastcgi_store_access"),
        *later(LOCAL, "1-2", "fastcgi_bind"),
        *later(LOCAL, "2", "fastcgi_buffers"),
        *later(HTTP, "2+", "fastcgi_cache_path"),
        *later(
            LOCAL, "1+",
            """fastcgi_cache_bypass fastcgi_no_cache fastcgi_cache_valid
            fastcgi_cache_use_stale fastcgi_cache_methods fastcgi_next_upstream
            fastcgi_ignore_headers""",
        ),
        temp_path("fastcgi_temp_path"),
        *later(LOCAL, "2-3", "fastcgi_param"),
    )),
    Module("ngx_http_uwsgi_module", (
        *later(LOCATIONS, "1", "uwsgi_pass"),
        *later(
            LOCAL, "1",
            """uwsgi_modifier1 uwsgi_modifier2 uwsgi_store uwsgi_buffering
            uwsgi_request_buffering uwsgi_ignore_client_abort uwsgi_socket_keepalive
            uwsgi_connect_timeout uwsgi_send_timeout uwsgi_buffer_size
            uwsgi_pass_request_headers uwsgi_pass_request_body
            uwsgi_intercept_errors uwsgi_read_timeout uwsgi_busy_buffers_size
            uwsgi_force_ranges uwsgi_limit_rate uwsgi_cache uwsgi_cache_key
            uwsgi_cache_min_uses uwsgi_cache_max_range_offset uwsgi_cache_lock
            uwsgi_cache_lock_timeout uwsgi_cache_lock_age uwsgi_cache_revalidate
            uwsgi_cache_background_update uwsgi_max_temp_file_size
            uwsgi_temp_file_write_size uwsgi_next_upstream_tries
            uwsgi_next_upstream_timeout uwsgi_string uwsgi_pass_header
            uwsgi_hide_header uwsgi_ssl_session_reuse uwsgi_ssl_ciphers
            uwsgi_ssl_name uwsgi_ssl_server_name uwsgi_ssl_verify
            uwsgi_ssl_verify_depth uwsgi_ssl_trusted_certificate uwsgi_ssl_crl
            uwsgi_ssl_certificate uwsgi_ssl_certificate_key uwsgi_ssl_password_file""",
        ),
        *later(LOCAL, "1-3", "uwsgi_store_access"),
        *later(LOCAL, "1-2", "uwsgi_bind"),
        *later(LOCAL, "2", "uwsgi_buffers uwsgi_ssl_conf_command"),
        *later(HTTP, "2+", "uwsgi_cache_path"),
        *later(
            LOCAL, "1+",
            """uwsgi_cache_bypass uwsgi_no_cache uwsgi_cache_valid
            uwsgi_cache_use_stale uwsgi_cache_methods uwsgi_next_upstream
            uwsgi_ignore_headers uwsgi_ssl_protocols""",
        ),
        temp_path("uwsgi_temp_path"),
        *later(LOCAL, "2-3", "uwsgi_param"),
    )),
    Module("ngx_http_scgi_module", (
        *later(LOCATIONS, "1", "scgi_pass"),
        *later(
            LOCAL, "1",
            """scgi_store scgi_buffering scgi_request_buffering
            scgi_ignore_client_abort scgi_socket_keepalive scgi_connect_timeout
            scgi_send_timeout scgi_buffer_size scgi_pass_request_headers
            scgi_pass_request_body scgi_intercept_errors scgi_read_timeout
            scgi_busy_buffers_size scgi_force_ranges scgi_limit_rate scgi_cache
            scgi_cache_key scgi_cache_min_uses scgi_cache_max_range_offset
            scgi_cache_lock scgi_cache_lock_timeout scgi_cache_lock_age
            scgi_cache_revalidate scgi_cache_background_update
            scgi_max_temp_file_size scgi_temp_file_write_size
            scgi_next_upstream_tries scgi_next_upstream_timeout scgi_pass_header
            scgi_hide_header""",
        ),
        *later(LOCAL, "1-3", "scgi_store_access"),
        *later(LOCAL, "1-2", "scgi_bind"),
        *later(LOCAL, "2", "scgi_buffers"),
        *later(HTTP, "2+", "scgi_cache_path"),
        *later(
            LOCAL, "1+",
            """scgi_cache_bypass scgi_no_cache scgi_cache_valid scgi_cache_use_stale
            scgi_cache_methods scgi_next_upstream scgi_ignore_headers""",
        ),
        temp_path("scgi_temp_path"),
        *later(LOCAL, "2-3", "scgi_param"),
    )),
    Module("ngx_http_grpc_module", (
        *later(LOCATIONS, "1", "grpc_pass"),
        *later(LOCAL, "1-2", "grpc_bind"),
        *later(
            LOCAL, "1",
            """grpc_socket_keepalive grpc_connect_timeout grpc_send_timeout
            grpc_intercept_errors grpc_buffer_size grpc_read_timeout
            grpc_next_upstream_tries grpc_next_upstream_timeout grpc_pass_header
            grpc_hide_header grpc_ssl_session_reuse grpc_ssl_ciphers grpc_ssl_name
            grpc_ssl_server_name grpc_ssl_verify grpc_ssl_verify_depth
            grpc_ssl_trusted_certificate grpc_ssl_crl grpc_ssl_certificate
            grpc_ssl_certificate_key grpc_ssl_password_file""",
        ),
        *later(
            LOCAL, "1+",
            """grpc_next_upstream grpc_ignore_headers grpc_ssl_protocols""",
        ),
        *later(LOCAL, "2", "grpc_set_header grpc_ssl_conf_command"),
    )),
    Module("ngx_http_memcached_module", (
        *later(LOCATIONS, "1", "memcached_pass"),
        *later(LOCAL, "1-2", "memcached_bind"),
        *later(
            LOCAL, "1",
            """memcached_socket_keepalive memcached_connect_timeout
            memcached_send_timeout memcached_buffer_size memcached_read_timeout
            memcached_next_upstream_tries memcached_next_upstream_timeout
            memcached_gzip_flag""",
        ),
        *later(LOCAL, "1+", "memcached_next_upstream"),
    )),
)  # fmt: skip
