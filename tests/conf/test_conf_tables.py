"""The tables of directives: what is in them, and that nginx agrees."""

import pytest
from nginx_check import Checker
from real_nginx import require_nginx

from resty_py.conf.kinds import NOTHING
from resty_py.conf.modules import COMMANDS, MODULES
from resty_py.conf.table import (
    EVENTS,
    HTTP,
    LOCATION,
    MAIN,
    SERVER,
    UPSTREAM,
    Command,
    Context,
    Status,
)

ROWS = [command for module in MODULES for command in module.commands]

# The 88 directives of lua-nginx-module's README.
LUA = """
    balancer_by_lua_block balancer_by_lua_file
    ssl_client_hello_by_lua_block ssl_client_hello_by_lua_file
    ssl_certificate_by_lua_block ssl_certificate_by_lua_file
    ssl_session_fetch_by_lua_block ssl_session_fetch_by_lua_file
    ssl_session_store_by_lua_block ssl_session_store_by_lua_file
    init_by_lua init_by_lua_block init_by_lua_file init_worker_by_lua
    init_worker_by_lua_block init_worker_by_lua_file exit_worker_by_lua_block
    exit_worker_by_lua_file set_by_lua set_by_lua_block set_by_lua_file
    server_rewrite_by_lua_block server_rewrite_by_lua_file rewrite_by_lua
    rewrite_by_lua_block rewrite_by_lua_file access_by_lua access_by_lua_block
    access_by_lua_file precontent_by_lua_block precontent_by_lua_file
    content_by_lua content_by_lua_block content_by_lua_file header_filter_by_lua
    header_filter_by_lua_block header_filter_by_lua_file body_filter_by_lua
    body_filter_by_lua_block body_filter_by_lua_file log_by_lua
    log_by_lua_block log_by_lua_file rewrite_by_lua_no_postpone
    access_by_lua_no_postpone precontent_by_lua_no_postpone lua_code_cache
    lua_package_path lua_package_cpath lua_shared_dict lua_load_resty_core
    lua_thread_cache_max_entries lua_regex_cache_max_entries
    lua_regex_match_limit lua_malloc_trim lua_worker_thread_vm_pool_size
    lua_sa_restart lua_capture_error_log lua_need_request_body
    lua_use_default_type lua_http10_buffering
    lua_transform_underscores_in_response_headers lua_check_client_abort
    lua_max_pending_timers lua_max_running_timers lua_socket_connect_timeout
    lua_socket_send_timeout lua_socket_read_timeout lua_socket_send_lowat
    lua_socket_buffer_size lua_socket_pool_size lua_socket_keepalive_timeout
    lua_socket_log_errors lua_ssl_ciphers lua_ssl_crl lua_ssl_protocols
    lua_ssl_certificate lua_ssl_certificate_key lua_ssl_trusted_certificate
    lua_ssl_verify_depth lua_ssl_key_log lua_ssl_conf_command
"""

LUA_LATER = """
    balancer_keepalive
    proxy_ssl_certificate_by_lua_block proxy_ssl_certificate_by_lua_file
    proxy_ssl_verify_by_lua_block proxy_ssl_verify_by_lua_file
    lua_upstream_skip_openssl_default_verify
"""

# What the upstream suites use besides and issue 3 wants to work.
WANTED = """
    set server listen server_name return default_type server_tokens error_page
    internal root include env error_log access_log keepalive_timeout
    keepalive_requests client_max_body_size client_body_buffer_size
    client_body_timeout client_body_in_file_only client_header_buffer_size
    client_header_timeout large_client_header_buffers send_timeout resolver
    resolver_timeout rewrite if add_header log_subrequest etag
    if_modified_since satisfy allow deny try_files index break limit_rate
    postpone_output tcp_nodelay chunked_transfer_encoding lingering_close
    underscores_in_headers charset charset_types location http echo echo_sleep
    echo_flush echo_location echo_request_body echo_read_request_body
    echo_after_body echo_status echo_exec echo_subrequest
    echo_subrequest_async echo_duplicate echo_end echo_foreach_split
    more_set_headers more_clear_headers set_unescape_uri set_quote_sql_str
    alias types limit_except map log_format merge_slashes daemon pid
    master_process gzip
"""

# The other directives of the upstream suites' http blocks.
KNOWN = """
    auth_request balancer_by_lua_file client_body_in_single_buffer dav_access
    dav_methods drizzle_keepalive drizzle_pass drizzle_query
    drizzle_send_query_timeout drizzle_server empty_gif events gunzip
    gzip_buffers gzip_min_length gzip_types http image_filter keepalive
    memc_cmds_allowed memc_pass memc_read_timeout no_error_pages proxy_bind
    proxy_buffer_size proxy_buffering proxy_buffers proxy_busy_buffers_size
    proxy_cache proxy_cache_key proxy_cache_lock proxy_cache_lock_timeout
    proxy_cache_path proxy_cache_valid proxy_connect_timeout
    proxy_http_version proxy_ignore_client_abort proxy_intercept_errors
    proxy_next_upstream proxy_next_upstream_tries proxy_pass
    proxy_pass_request_body proxy_read_timeout proxy_send_timeout
    proxy_set_header proxy_ssl_certificate proxy_ssl_certificate_key
    proxy_ssl_ciphers proxy_ssl_conf_command proxy_ssl_name
    proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse
    proxy_ssl_trusted_certificate proxy_ssl_verify proxy_temp_path rds_json
    redis2_pass redis2_query sendfile set_hashed_upstream slice
    srcache_store ssl_certificate ssl_certificate_key ssl_ciphers
    ssl_client_certificate ssl_early_data ssl_protocols ssl_session_tickets
    ssl_verify_client thread_pool upstream upstream_list valid_referers
    worker_cpu_affinity worker_shutdown_timeout
"""


def status(name):
    return {row.status for row in COMMANDS[name]}


@pytest.mark.parametrize("name", [*LUA.split(), *WANTED.split()])
def test_wanted_directives_are_taken(name):
    assert status(name) & {Status.SUPPORTED, Status.INERT}


@pytest.mark.parametrize("name", LUA_LATER.split())
def test_other_lua_directives_say_so(name):
    assert status(name) == {Status.LATER}


def test_all_lua_directives():
    assert len(LUA.split()) + len(LUA_LATER.split()) == 88


@pytest.mark.parametrize("name", KNOWN.split())
def test_directives_of_the_suites_are_known(name):
    assert name in COMMANDS


def test_defaults_are_values():
    for row in ROWS:
        if row.default is not None and row.kind.parse is not None:
            assert row.initial_value is not None, row.name


def test_rows_of_a_name_do_not_overlap():
    for rows in COMMANDS.values():
        seen = Context(0)
        for row in rows:
            assert not seen & row.contexts, row.name
            seen |= row.contexts


@pytest.mark.parametrize(
    ("arity", "fits"),
    [("0", {0}), ("1", {1}), ("1-3", {1, 2, 3}), ("2+", set(range(2, 9))),
     ("0,2", {0, 2})],
)  # fmt: skip
def test_arity(arity, fits):
    row = Command("x", MAIN, arity, NOTHING)
    assert {count for count in range(9) if row.takes(count)} == fits


WRAPPERS = {
    MAIN: "%s\nevents {}",
    EVENTS: "events { %s }",
    HTTP: "events {}\nhttp { %s }",
    SERVER: "events {}\nhttp { server { listen unix:s; %s } }",
    LOCATION: "events {}\nhttp { server { listen unix:s; location /a { %s } } }",
    UPSTREAM: "events {}\nhttp { upstream a { server 127.0.0.1; %s } }",
}

# Modules, newer directives and two of our own that Debian's nginx does not have.
ABSENT = (
    "google_perftools",
    "lua_ssl_certificate",
    "lua_ssl_key_log",
    "precontent_by_lua",
    "set_",
    "worker_blocking_warning",
    "worker_patience",
)

TAKEN = [
    row
    for row in ROWS
    if row.status is not Status.LATER
    and not row.name.startswith(ABSENT)
    and row.name not in ("include", "events", "http")
] + [row for row in ROWS if row.name.startswith("set_by_lua")]


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    return Checker(tmp_path_factory.mktemp("shape"), require_nginx())


def shape(checker, row, context, count):
    """Return what nginx says about *count* arguments in *context*."""
    end = "{}" if row.opens_block else ";"
    arguments = "0 " * count
    checker.write(WRAPPERS[context] % f"{row.name} {arguments}{end}")
    _, lines = checker.nginx()
    text = " ".join(lines)
    assert "unknown directive" not in text
    assert "no opening" not in text
    assert "not terminated" not in text
    if "not allowed here" in text:
        return "place"
    return "number" if "invalid number of arguments in" in text else "taken"


@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row.name)
def test_nginx_agrees_on_place_and_number(checker, row):
    """One place where it may stand, one where it may not, and both ends of arity."""
    rows = COMMANDS[row.name]
    inside = next(one for one in WRAPPERS if one & row.contexts)
    outside = [
        one for one in WRAPPERS if not any(one & other.contexts for other in rows)
    ]
    counts = [count for count in range(8) if row.takes(count)]
    assert shape(checker, row, inside, counts[0]) == "taken"
    if counts[-1] < 7:
        assert shape(checker, row, inside, counts[-1] + 1) == "number"
    if outside:
        assert shape(checker, row, outside[-1], counts[0]) == "place"
