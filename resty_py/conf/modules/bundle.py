"""Modules that OpenResty bundles and that are not supported yet."""

from __future__ import annotations

from ..table import Module
from .shorthand import HTTP, LOCAL, LOCATIONS, REWRITE, UPSTREAM, WITH_IF, later

__all__ = ["MODULES"]

MODULES = (
    Module("ngx_http_drizzle_module", (
        *later(UPSTREAM, "1+", "drizzle_server drizzle_keepalive"),
        *later(LOCATIONS, "1", "drizzle_pass drizzle_query"),
        *later(
            WITH_IF, "1",
            """drizzle_connect_timeout drizzle_send_query_timeout
            drizzle_recv_cols_timeout drizzle_recv_rows_timeout drizzle_buffer_size
            drizzle_module_header drizzle_status""",
        ),
    )),
    Module("ngx_http_memc_module", (
        *later(LOCATIONS, "1", "memc_pass"),
        *later(WITH_IF, "1+", "memc_cmds_allowed memc_next_upstream"),
        *later(
            WITH_IF, "1",
            """memc_connect_timeout memc_send_timeout memc_read_timeout
            memc_buffer_size memc_flags_to_last_modified memc_ignore_client_abort""",
        ),
    )),
    Module("ngx_http_rds_json_filter_module", (
        *later(
            WITH_IF, "1",
            """rds_json rds_json_root rds_json_format rds_json_buffer_size
            rds_json_content_type rds_json_success_property rds_json_errcode_key
            rds_json_errstr_key""",
        ),
        *later(WITH_IF, "2-3", "rds_json_user_property"),
    )),
    Module("ngx_http_redis2_module", (
        *later(LOCATIONS, "1", "redis2_pass redis2_raw_query redis2_literal_raw_query"),
        *later(LOCATIONS, "1+", "redis2_query"),
        *later(LOCATIONS, "2", "redis2_raw_queries"),
        *later(
            LOCAL, "1",
            """redis2_connect_timeout redis2_send_timeout redis2_read_timeout
            redis2_buffer_size""",
        ),
    )),
    Module("ngx_http_srcache_filter_module", (
        *later(WITH_IF, "2-3", "srcache_fetch srcache_store"),
        *later(WITH_IF, "1", "srcache_fetch_skip srcache_store_skip"),
    )),
    Module("ngx_http_upstream_list_module", (
        *later(HTTP | REWRITE, "2+", "upstream_list"),
    )),
    Module("ngx_http_no_error_pages", tuple(later(LOCAL, "0", "no_error_pages"))),
)  # fmt: skip
