"""The nginx.conf around a block: line for line what Test::Nginx writes.

Blocks expect lines of it in error messages, so nothing here may add or take one:
``http_config`` begins on line 25 and, if it has no lines of its own, ``config``
on line 39. What else a server needs shares a line with something.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .suite import Block

__all__ = ["Layout", "render"]

_TEMPLATE = """\
{modules}worker_processes  {workers};
daemon off;
master_process {master};
error_log {error_log} {log_level};
pid       {root}/logs/nginx.pid;
env MOCKEAGAIN_VERBOSE;
env MOCKEAGAIN;
env MOCKEAGAIN_WRITE_TIMEOUT_PATTERN;
env LD_PRELOAD;
env LD_LIBRARY_PATH;
env DYLD_INSERT_LIBRARIES;
env DYLD_FORCE_FLAT_NAMESPACE;

#env LUA_PATH;
#env LUA_CPATH;

{main_config}

http {{
    access_log {root}/logs/access.log;
    {temporary}

    default_type text/plain;
    keepalive_timeout  68;
{http_config}

    server {{
        listen          {port};
        server_name     '{server_name}';

        client_max_body_size 30M;
        #client_body_buffer_size 4k;

        # Begin preamble config...

        # End preamble config...

        # Begin test case config...
{config}
        # End test case config.

        {version}
        {root_location}
    }}
}}
{post_main_config}

#timer_resolution 100ms;

events {{
    accept_mutex off;

    worker_connections  {worker_connections};
    {event_type}
}}
{user}
"""

_ROOT_LOCATION = """\
location / {{
            root {html};
            index index.html index.htm;
        }}"""

#: The last words of the location that tells which configuration is in force.
VERSION_LOCATION = "/resty-py-test-version"


@dataclass(frozen=True)
class Layout:
    """Where a server keeps its files and listens.

    Attributes:
        root: its prefix.
        port: where it listens.
    """

    root: Path
    port: int

    @property
    def html(self) -> Path:
        """The folder of documents and of a block's files."""
        return self.root / "html"

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.root / "conf" / "nginx.conf"

    @property
    def error_log(self) -> Path:
        """The error log."""
        return self.root / "logs" / "error.log"

    @property
    def pid(self) -> Path:
        """The file with the number of the process."""
        return self.root / "logs" / "nginx.pid"


def render(block: Block, layout: Layout, *, version: int = 0) -> str:
    """Return the configuration of a block.

    Args:
        block: the block.
        layout: of its server.
        version: a number that the server answers, if not 0; it is to reload,
            which needs a master process.

    Raises:
        BlockError: a variable in it has no value.
    """
    settings = block.suite.settings
    http_config = block.configuration("http_config")
    postpone = block.suite.environment.get("TEST_NGINX_POSTPONE_OUTPUT")
    if postpone:
        http_config = f"    postpone_output {postpone}; {http_config}"
    root_location = _ROOT_LOCATION.format(html=layout.html)
    return _TEMPLATE.format(
        modules=_modules(block),
        workers=settings.workers,
        master="on" if settings.master or version else "off",
        error_log=block.text("error_log_file") or layout.error_log,
        log_level=(block.text("log_level") or settings.log_level).strip(),
        root=layout.root,
        main_config=block.configuration("main_config"),
        temporary=_temporary(layout, http_config),
        http_config=http_config,
        port=layout.port,
        server_name=settings.server_name,
        config=block.configuration("config"),
        version=_version(version),
        root_location=root_location if settings.root_location else "",
        post_main_config=block.configuration("post_main_config"),
        worker_connections=settings.worker_connections,
        event_type=_event_type(block),
        user=_user(),
    )


def _modules(block: Block) -> str:
    paths = str(block.suite.environment.get("TEST_NGINX_LOAD_MODULES") or "").split()
    return "".join(f"load_module {path}; " for path in paths)


def _temporary(layout: Layout, http_config: str) -> str:
    """Return where request bodies and the like are kept, unless the block says."""
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(
        f"{name}_temp_path {layout.root}/{name}_temp;"
        for name in names
        if f"{name}_temp_path" not in http_config
    )


def _version(version: int) -> str:
    if not version:
        return ""
    return f"location = {VERSION_LOCATION} {{ return 200 'version {version}'; }}"


def _event_type(block: Block) -> str:
    kind = block.suite.environment.get("TEST_NGINX_EVENT_TYPE")
    return f"use {kind};" if kind else ""


def _user() -> str:
    if os.geteuid() != 0:
        return ""
    return f"user {pwd.getpwuid(0).pw_name};"
