-- The auth_request module: a subrequest says who may come in.
--
--   prepare(settings)   readies a location's settings
--   ask(r)              from a light thread: OK, or the code that the request
--                       ends with
--
-- Rules:
--
-- 1. A subrequest that ends with 2xx lets the request pass; 401 and 403 are
--    its answer; anything else is an error, 500.
-- 2. It has none of the request's body, and ends with its own header: what it
--    would say after that is not made, nor read from an upstream.
-- 3. auth_request_set is read where the subrequest was; its variables are
--    those of the request.
--
-- Follows ngx_http_auth_request_module.c.

local headers_of = require "resty_py.http.header_list".of
local log = require "resty_py.log"
local subrequest = require "resty_py.request.subrequest"
local template = require "resty_py.program.template"
local variables = require "resty_py.request.variables"

local format = string.format
local ipairs = ipairs
local set_variable = variables.set

local OK, SPECIAL = 0, 300
local SENDING = " while sending to client"
local UNAUTHORIZED, FORBIDDEN, INTERNAL_SERVER_ERROR = 401, 403, 500

local _M = {}


function _M.prepare(settings)
    local changes = {}
    for i, given in ipairs(settings.auth_request_set or {}) do
        changes[i] = {variable = given.variable,
                      value = template.compile(given.value)}
    end
    settings.auth_request_set = #changes > 0 and changes or nil
    if settings.auth_request == "" then
        settings.auth_request = nil
    end
end


local function set_variables(r, sr)
    local changes = r.settings.auth_request_set
    for i = 1, changes and #changes or 0 do
        local change = changes[i]
        set_variable(r, change.variable, change.value(sr))
    end
end


-- Takes over what the client is asked for.
local function challenge(r, sr)
    local theirs = sr.headers
    local i = theirs and theirs:find("www-authenticate")
    if i then
        headers_of(r):set(theirs.name[i], theirs.value[i], "www-authenticate")
    end
end


function _M.ask(r)
    local group = subrequest.capture(r, {{
        uri = r.settings.auth_request,
        share_vars = true,
        header_only = true,
    }})
    local sr = group and group[1]
    if not sr then
        return INTERNAL_SERVER_ERROR
    end
    set_variables(r, sr)
    local status = sr.status
    if status == FORBIDDEN then
        return FORBIDDEN
    elseif status == UNAUTHORIZED then
        challenge(r, sr)
        return UNAUTHORIZED
    elseif status >= 200 and status < SPECIAL then
        return OK
    end
    -- What nginx was doing last: an upstream has been asked.
    log.request(r, log.ERR, format("auth request unexpected status: %d%s",
                                   status, sr.upstream and SENDING or ""))
    return INTERNAL_SERVER_ERROR
end


return _M
