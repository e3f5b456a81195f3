-- The charset module: the charset that Content-Type tells.
--
--   prepare(settings)         compiles charset, source_charset, charset_types
--   header_filter(settings)   f(r), nil where there is nothing to do
--
-- Rules:
--
-- 1. It is added to the types of charset_types that have no parameters yet,
--    but not to a redirect, nor where it is empty.
-- 2. Nothing is recoded: a body of another source_charset keeps its type as it
--    is, with a complaint in the log.
-- 3. A variable without a value fails the response.
--
-- Follows ngx_http_charset_filter_module.c.

local log = require "resty_py.log"
local set_of = require "resty_py.program.set"
local variables = require "resty_py.request.variables"

local find = string.find
local format = string.format
local lower = string.lower
local match = string.match
local type = type

local MOVED, FOUND = 301, 302

local _M = {}


-- Returns f(r) -> charset | nil where a variable has no value.
local function compile(parts)
    local part = parts and parts[1]
    if not part then
        return nil
    elseif type(part) == "table" then
        return function(r)
            return variables.get(r, part.name)
        end
    end
    return function()
        return part
    end
end


-- Whether the body is in the charset that is to be told.
local function is_in(r, wanted)
    local source = r.settings.source_charset
    local own = not source and wanted or source(r)
    if own and lower(own) == lower(wanted) then
        return true
    end
    log.request(r, log.ERR, format(
        'no "charset_map" between the charsets "%s" and "%s"', own or "",
        wanted))
    return false
end


local function filter(r)
    local kind = r.content_type or ""
    local types = r.settings.charset_types
    if r.parent or kind == ""
        or not (types["*"] or types[lower(match(kind, "^[^; ]*"))])
    then
        return
    end
    local wanted = r.settings.charset(r)
    if not wanted then
        r.filter_failed = true
    elseif is_in(r, wanted) and r.status ~= MOVED and r.status ~= FOUND
        and wanted ~= "" and not find(kind, ";", 1, true)
    then
        r.content_type = kind .. "; charset=" .. wanted
    end
end


function _M.header_filter(settings)
    return settings.charset and filter
end


function _M.prepare(settings)
    settings.charset = compile(settings.charset)
    settings.source_charset = compile(settings.source_charset)
    settings.charset_types = set_of(settings.charset_types or {})
end


return _M
