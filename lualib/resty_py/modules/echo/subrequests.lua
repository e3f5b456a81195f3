-- The directives of the echo module that lead to other locations.
--
--   RUN     directive -> f(r, state, args): echo_location, echo_subrequest and
--           their asynchronous forms. Returns nil, or the code that the
--           request ends with
--   exec    the same for echo_exec
--
-- Rules:
--
-- 1. A subrequest has variables of its own. Without a body of its own it has
--    that of its parent.
-- 2. Arguments given by themselves take the place of those in the URI.
-- 3. What is after a HEAD request's headers is not made: no subrequest, and of
--    the synchronous ones nothing after them.
-- 4. A body's file is relative to the prefix.
--
-- Follows ngx_http_echo_location.c and ngx_http_echo_subrequest.c.

local files = require "resty_py.static.files"
local log = require "resty_py.log"
local native = require "resty_py.native"
local output = require "resty_py.modules.echo.output"
local redirect = require "resty_py.request.redirect"
local subrequest = require "resty_py.request.subrequest"
local target = require "resty_py.request.target"

local format = string.format
local run = subrequest.run
local start = require "resty_py.request.postponed".start
local sub = string.sub

local OK, ERROR, BAD_REQUEST = 0, -1, 400

-- What an option of echo_subrequest gives.
local OPTIONS = {["-q"] = "args", ["-b"] = "body", ["-f"] = "body_file"}

local _M = {}


-- Reading what is asked for -------------------------------------------------


local function full_name(path)
    if sub(path, 1, 1) == "/" then
        return path
    end
    local root = native.worker.root()
    return (sub(root, -1) == "/" and root or root .. "/") .. path
end


-- The parent's header lines, with the length of another body.
local function headers_for(r, length)
    local parent = r.head.fields
    local fields = {n = 1, {name = "Content-Length", lower = "content-length",
                            value = format("%d", length), underscore = false}}
    for i = 1, parent.n do
        if parent[i].lower ~= "content-length" then
            fields.n = fields.n + 1
            fields[fields.n] = parent[i]
        end
    end
    return fields
end


-- Returns whether there is such a file.
local function take_file(r, wanted, path)
    path = full_name(path)
    local kind, size, code, call = files.open(r, path)
    if not kind then
        log.request(r, log.ERR, files.failed(path, size, code, call))
        return false
    end
    wanted.body_file = path
    wanted.headers = headers_for(r, size)
    return true
end


-- An empty one is none; a text comes before a file.
local function take_body(r, wanted)
    local text, path = wanted.body, wanted.body_file
    wanted.body, wanted.body_file = nil, nil
    if text and text ~= "" then
        wanted.body = text
        wanted.headers = headers_for(r, #text)
        return true
    end
    return not path or path == "" or take_file(r, wanted, path)
end


-- Each returns options of a subrequest (request/subrequest.lua) | nil.


local function read_location(_, args)
    return {uri = args[1], args = args[2], method = "GET"}
end


local function read_subrequest(r, args)
    local wanted = {uri = args[2], method = args[1]}
    for i = 3, #args, 2 do
        local name = OPTIONS[args[i]]
        if not name then
            log.request(r, log.ERR, "unknown option for echo_subrequest*: "
                        .. args[i])
            return nil
        end
        wanted[name] = args[i + 1]
    end
    return take_body(r, wanted) and wanted or nil
end


-- Subrequests ---------------------------------------------------------------


-- Returns what is asked for, or nil, the code that the request ends with.
local function prepare(r, args, read)
    local wanted = read(r, args)
    local uri, own_args
    if wanted and (wanted.uri or "") ~= "" then
        uri, own_args = target.parse(r, wanted.uri, true)
    end
    if not uri then
        return nil, ERROR
    end
    wanted.uri = uri
    wanted.args = wanted.args or own_args
    wanted.forward_body = true
    return wanted, output.open(r)
end


local function synchronous(read)
    return function(r, state, args)
        local wanted, code = prepare(r, args, read)
        if code then
            return code
        elseif r.header_only then
            return OK
        end
        state.resumed = true
        local _, err = run(r, wanted)
        return err and ERROR or nil
    end
end


local function asynchronous(read)
    return function(r, _, args)
        local wanted, code = prepare(r, args, read)
        if code or r.header_only then
            return code
        end
        local _, err = start(r, wanted)
        return err and ERROR or nil
    end
end


_M.RUN = {
    echo_location = synchronous(read_location),
    echo_location_async = asynchronous(read_location),
    echo_subrequest = synchronous(read_subrequest),
    echo_subrequest_async = asynchronous(read_subrequest),
}


-- Redirects -----------------------------------------------------------------


function _M.exec(r, _, args)
    if (args[1] or "") == "" then
        return BAD_REQUEST
    end
    local uri, own_args = target.parse(r, args[1], true)
    if not uri then
        return ERROR
    end
    local given = args[2] or own_args
    if sub(uri, 1, 1) ~= "@" then
        return redirect.leave_to(uri, given)
    elseif given and given ~= "" then
        log.request(r, log.WARN, "querystring " .. given .. " ignored when "
                    .. "exec'ing named location " .. uri)
    end
    return redirect.leave_to_named(uri)
end


return _M
