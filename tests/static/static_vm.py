"""VMs with static files, of every variant: the server around them is a stub.

``StaticVM.ask(uri, …)`` lets the content handler answer one request with the
filters of its headers behind it; ``StaticVM.filter(name, …)`` runs one filter.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resty_py.host import base64, clock, deflate, digest, null, regex, static
from resty_py.vm import FLAVOURS, VM, from_lua

if TYPE_CHECKING:
    from lua_worker import Variant

#: When the files of a test were changed, and how HTTP and ETags write that.
MTIME = 1700000000
TIME = "Tue, 14 Nov 2023 22:13:20 GMT"

# Modules of the server that static files touch; each tells what it was asked.
_STUBS = b"""
local loaded = package.loaded
local lines = {}

local log = {ALERT = "alert", CRIT = "crit", ERR = "error", INFO = "info"}
function log.request(_, level, text)
    lines[#lines + 1] = level .. ": " .. text
end
function log.path(text)
    return text
end
loaded["resty_py.log"] = log

loaded["resty_py.request.variables"] = {get = function(r, name)
    return name == "uri" and r.uri or r.variables[name]
end}

local redirect = {}
function redirect.leave_to(uri, args)
    error({uri = uri, args = args})
end
loaded["resty_py.request.redirect"] = redirect

local redirection = {}
function redirection.set(r, path)
    r.location = path
end
loaded["resty_py.http.redirection"] = redirection

local pauses = 0
local scheduler = {current = {}}
function scheduler.park(owner)
    assert(owner.deadline.waiter == scheduler.current)
    pauses = pauses + 1
end
loaded["resty_py.scheduler"] = scheduler
loaded["resty_py.clock"] = {mono = 1}
loaded["resty_py.scheduler.deadlines"] = {
    new = function() return {} end,
    arm = function(deadline, _, waiter) deadline.waiter = waiter end,
}

local response = {}
loaded["resty_py.http.response"] = response

local not_modified = require "resty_py.http.not_modified"
local ranges = require "resty_py.http.ranges"

function response.send_headers(r)
    if r.settings.announced then
        r.headers:set("Content-Length", r.settings.announced)
    end
    local code = not_modified.filter(r) or ranges.filter(r)
    if not code then
        r.headers_sent = true
        r.header_only = r.method == "HEAD" or r.status == 304
    end
    return code
end

function response.is_passed_on(r)
    return not r.parent
end

function response.write(r, data, last)
    r.body[#r.body + 1] = data
    r.pieces = r.pieces + 1
    r.sizes[r.pieces] = #data
    r.over = r.over or last and r.pieces
    if r.on_write then
        r.on_write()
    end
    return not r.gone or nil
end

local header_list = require "resty_py.http.header_list"
local static = require "resty_py.static"

local function head(names)
    local fields = {n = 0}
    for i = 1, #names, 2 do
        fields.n = fields.n + 1
        fields[fields.n] = {name = names[i], lower = names[i]:lower(),
                            value = names[i + 1]}
    end
    return {line = {}, fields = fields}
end

local function request(given)
    local downstream = {}
    function downstream.push_back()
        return not given.gone or nil
    end
    return {
        uri = given.uri, args = given.args, method = given.method or "GET",
        version = given.version or 11, head = head(given.fields or {}),
        settings = given.settings, location = {pattern = "/prefix/"},
        status = given.status or 0, body = {}, pieces = 0, sizes = {},
        parent = given.parent, gone = given.gone,
        variables = given.variables or {}, captures = given.captures,
        uri_rewritten = given.uri_rewritten, downstream = downstream,
        content_length = given.content_length,
        content_type = given.content_type,
        last_modified = given.last_modified,
        allow_ranges = given.allow_ranges, on_write = given.on_write,
        add_uri_to_alias = given.add_uri_to_alias,
    }
end

local function headers_of(r)
    local found = {}
    for i = 1, r.headers and r.headers.n or 0 do
        found[#found + 1] = r.headers.name[i] .. ": " .. r.headers.value[i]
    end
    return found
end

local function report(r, code)
    local answer = {
        code = code, status = r.status, headers = headers_of(r),
        content_type = r.content_type, content_length = r.content_length,
        last_modified = r.last_modified, location = r.location_header,
        body = table.concat(r.body), pieces = r.pieces, pauses = pauses,
        over = r.over, sizes = r.sizes,
        log = lines, uri = r.uri, open = 0, location = nil,
        allow_ranges = r.allow_ranges, alias = r.add_uri_to_alias,
    }
    if type(r.location) == "string" then
        answer.location = r.location
    end
    for _, socket in ipairs(r.sockets or {}) do
        answer.open = answer.open + (socket.fd and 1 or 0)
        socket:release()
    end
    lines, pauses = {}, 0
    return answer
end

local function call(f, given)
    local r = request(given)
    static.prepare(r.settings)
    local ok, result = pcall(f, r)
    if not ok and type(result) ~= "table" then
        error(result, 0)
    end
    local answer = report(r, ok and type(result) == "number" and result or nil)
    answer.left = not ok and result or nil
    answer.result = ok and result or nil
    return answer
end

local handlers = {serve = static.serve, try_files = static.try_files,
                  document_root = static.document_root,
                  realpath_root = static.realpath_root,
                  request_filename = static.request_filename}

function handlers.test(r)
    local kind, executable = static.test(r.uri, r)
    return {kind = kind, executable = executable}
end

local filters = {not_modified = not_modified.filter, ranges = ranges.filter}

function handlers.filter(r)
    r.headers = header_list.new()
    local set = r.variables.set
    for i = 1, #set, 2 do
        r.headers:add(set[i], set[i + 1])
    end
    local code = filters[r.variables.filter](r)
    if r.ranges then
        for _, range in ipairs(r.ranges) do
            r.body[#r.body + 1] = ("[%d,%d)"):format(range[1], range[2])
        end
    end
    return code
end

return function(name, given)
    return call(handlers[name], given)
end
"""

#: The settings of a location that says nothing but ``root``.
DEFAULTS: dict[str, Any] = {
    "index": [["index.html"]],
    "types": {"html": "text/html", "gif": "image/gif"},
    "default_type": "text/plain",
    "etag": True,
    "gzip_static": "off",
    "if_modified_since": "exact",
    "max_ranges": 2**31 - 1,
    "log_not_found": True,
    "disable_symlinks": ["off"],
    "output_buffers": {"count": 2, "size": 32768},
}

_OF_FILTERS = ("max_ranges", "if_modified_since")


@dataclass(frozen=True)
class Name:
    """A variable in a template."""

    name: str


class Answer:
    """What came of a request; attributes are the fields that Lua reports."""

    def __init__(self, fields: dict[bytes, Any]) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        value = _text(self._fields.get(name.encode()))
        # An empty table of Lua may be either.
        return list(value) if name in ("headers", "log") else value

    @property
    def raw_body(self) -> bytes:
        return self._fields[b"body"]

    def values(self, name: str) -> list[str]:
        """The values of the header *name*."""
        lines = (line.partition(": ") for line in self.headers)
        return [value for key, _, value in lines if key == name]


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {_text(key): _text(item) for key, item in value.items()}
    return [_text(item) for item in value] if isinstance(value, list) else value


class StaticVM:
    """A VM of *variant* with static files."""

    def __init__(self, variant: Variant) -> None:
        self.vm = VM(
            variant.flavour,
            {
                "base64": base64.functions(),
                "clock": {"utc_offset": clock.utc_offset},
                "deflate": deflate.functions(),
                "digest": digest.functions(),
                "null": null.functions(FLAVOURS[variant.flavour]),
                "regex": regex.functions(),
                "static": static.functions(),
                "sys": {"prefer_ffi": lambda: variant.prefer_ffi},
                "worker": {"root": lambda: b"/prefix"},
            },
        )
        self._call = self.vm.run(_STUBS)
        self.close_all = self.vm.require("resty_py.static")[b"close_all"]

    def ask(self, uri: str, root: Any, handler: str = "serve", **given: Any) -> Answer:
        """Let *handler* answer a request for *uri* where files are below *root*.

        Args:
            root: a path, or a dictionary as the program has it.
            given: fields of the request; ``headers`` is a dictionary; others
                that :data:`DEFAULTS` has, or that begin with ``set_``, are
                settings.
        """
        if not isinstance(root, dict):
            root = {"path": [str(root)], "alias": False}
        settings = DEFAULTS | {"root": root}
        for name in [key for key in given if key in DEFAULTS or key[:4] == "set_"]:
            settings[name.removeprefix("set_")] = given.pop(name)
        return self._ask(handler, uri=uri, settings=settings, **given)

    def filter(
        self, name: str, headers: dict[str, str], *out: str, **given: Any
    ) -> Answer:
        """Run a filter on a response with the headers *out* to *headers*."""
        variables = {"filter": name, "set": list(out)}
        settings = DEFAULTS | given.pop("settings", {})
        given = {"status": 200} | given
        return self._ask(
            "filter",
            uri="/",
            headers=headers,
            variables=variables,
            settings={name: settings[name] for name in _OF_FILTERS},
            **given,
        )

    def _ask(self, handler: str, **given: Any) -> Answer:
        headers = given.pop("headers", {})
        given["fields"] = [part for pair in headers.items() for part in pair]
        table = self._lua(given)
        return Answer(from_lua(self.vm.call(self._call, handler.encode(), table)))

    def _lua(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("latin-1")
        if isinstance(value, Name):
            return self.vm.table({b"name": value.name.encode()})
        if isinstance(value, dict):
            return self.vm.table(
                {self._lua(key): self._lua(item) for key, item in value.items()}
            )
        if isinstance(value, (list, tuple)):
            return self.vm.table(
                {place: self._lua(item) for place, item in enumerate(value, 1)}
            )
        return value


@functools.cache
def static_vm(variant: Variant) -> StaticVM:
    """Return the one StaticVM of *variant*."""
    return StaticVM(variant)
