"""The variables of a configuration: which exist, which are used.

A variable exists because a module defines it, because its name begins with a
module's prefix, or because a directive (``set``, ``map``, a named capture)
does. nginx looks at the uses only when the http block is complete, so that a
variable may be used before it is defined.
"""

from __future__ import annotations

from .errors import ConfError
from .table import names

__all__ = ["BUILTIN", "CHANGEABLE", "PREFIXES", "Variables", "key"]

#: Variables that nginx and its modules define and that nothing may redefine.
BUILTIN = names(
    """
    http_host http_user_agent http_referer http_via http_x_forwarded_for
    http_cookie content_length content_type host binary_remote_addr remote_addr
    remote_port proxy_protocol_addr proxy_protocol_port
    proxy_protocol_server_addr proxy_protocol_server_port server_addr
    server_port server_protocol scheme https request_uri uri document_uri
    request document_root realpath_root query_string is_args request_filename
    server_name request_method remote_user bytes_sent body_bytes_sent pipe
    request_completion request_body request_body_file request_length
    request_time request_id status sent_http_content_type
    sent_http_content_length sent_http_location sent_http_last_modified
    sent_http_connection sent_http_keep_alive sent_http_transfer_encoding
    sent_http_cache_control sent_http_link connection connection_requests
    connection_time nginx_version hostname pid msec time_iso8601 time_local
    tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd tcpinfo_rcv_space
    echo_timer_elapsed echo_request_method echo_cacheable_request_uri
    echo_request_uri echo_client_request_method echo_request_body
    echo_client_request_headers echo_it echo_incr echo_response_status
    connections_active connections_reading connections_writing
    connections_waiting date_local date_gmt fastcgi_path_info
    fastcgi_script_name gzip_ratio http2 limit_conn_status limit_req_status
    proxy_add_x_forwarded_for realip_remote_addr realip_remote_port secure_link
    secure_link_expires slice_range uid_got uid_set upstream_addr
    upstream_bytes_received upstream_bytes_sent upstream_cache_status
    upstream_connect_time upstream_header_time upstream_response_length
    upstream_response_time upstream_status
    """
)

#: Variables that nginx defines and that directives may define anew.
CHANGEABLE = names(
    """
    args invalid_referer limit_rate ancient_browser modern_browser msie proxy_host
    proxy_port uid_reset ssl_protocol ssl_cipher ssl_ciphers ssl_curve ssl_curves
    ssl_session_id ssl_session_reused ssl_early_data ssl_server_name
    ssl_alpn_protocol ssl_client_cert ssl_client_raw_cert
    ssl_client_escaped_cert ssl_client_s_dn ssl_client_i_dn
    ssl_client_s_dn_legacy ssl_client_i_dn_legacy ssl_client_serial
    ssl_client_fingerprint ssl_client_verify ssl_client_v_start
    ssl_client_v_end ssl_client_v_remain
    """
)

#: Of both those that texts may have, but that Lua does not find:
#: NGX_HTTP_VAR_NOHASH.
_HIDDEN = names(
    """
    fastcgi_path_info fastcgi_script_name gzip_ratio proxy_add_x_forwarded_for
    proxy_host proxy_port
    """
)

#: Every name that begins so is a variable; longer ones come first.
PREFIXES = (
    "upstream_trailer_",
    "upstream_cookie_",
    "upstream_http_",
    "sent_trailer_",
    "sent_http_",
    "cookie_",
    "http_",
    "arg_",
)


def key(name: str) -> str:
    """Return the name that a variable has in the VM: one that Lua finds, or not."""
    return f" {name.lower()}" if name.lower() in _HIDDEN else name


class Variables:
    """The variables of one http block."""

    def __init__(self) -> None:
        self._defined: set[str] = set()
        self._used: dict[str, None] = {}

    def define(self, name: str) -> None:
        """Let a directive define a variable: ``ngx_http_add_variable``.

        Args:
            name: without its ``$``; the case of letters does not matter.

        Raises:
            ConfError: without place: there is no name, or nginx owns it.
        """
        if not name:
            raise ConfError('invalid variable name "$"')
        if name.lower() in BUILTIN:
            raise ConfError(f'the duplicate "{name}" variable')
        self._defined.add(name.lower())

    def use(self, name: str) -> None:
        """Note that a variable is used: ``ngx_http_get_variable_index``.

        Raises:
            ConfError: without place: there is no name.
        """
        if not name:
            raise ConfError('invalid variable name "$"')
        self._used[name.lower()] = None

    def check(self) -> None:
        """Look at all uses: ``ngx_http_variables_init_vars``.

        Raises:
            ConfError: ``unknown "x" variable``.
        """
        for name in self._used:
            if not self._exists(name):
                raise ConfError(f'unknown "{name}" variable')

    def _exists(self, name: str) -> bool:
        return (
            name in self._defined
            or name in BUILTIN
            or name in CHANGEABLE
            or name.startswith(PREFIXES)
        )
