-- The sub module: texts of a response that become others.
--
--   prepare(settings)             compiles sub_filter and sub_filter_types
--   header_filter(settings)       f(r), nil where there is nothing to do
--   body_filter(settings, next)   f(r, data, last), nil where there is nothing
--                                 to do
--
-- Rules:
--
-- 1. It is for the types of sub_filter_types, whatever the status; a body that
--    is empty stays as it is.
-- 2. What is looked for is known when the headers go out; it may have
--    variables, and where it has no value it is not looked for. What takes its
--    place is read when it is first found.
-- 3. A main request loses its length, and its Last-Modified and ETag unless
--    sub_filter_last_modified is on.
--
-- Follows ngx_http_sub_filter_module.c.

local alteration = require "resty_py.http.alteration"
local set_of = require "resty_py.program.set"
local substituter = require "resty_py.http.substituter"
local template = require "resty_py.program.template"

local compile = template.compile
local ipairs = ipairs
local lower = string.lower
local tonumber = tonumber

local _M = {}


local function is_empty(r)
    local length = r.content_length
        or r.headers and tonumber(r.headers:get("content-length"))
    return length == 0
end


-- What is looked for in this response, and what each becomes.
local function evaluate(r, pairs)
    local patterns, values = {}, {}
    for i = 1, #pairs do
        local pattern = lower(pairs[i].match(r))
        if pattern ~= "" then
            patterns[#patterns + 1] = pattern
            values[#values + 1] = pairs[i].value
        end
    end
    return patterns, values
end


local function alter(r)
    alteration.forget_length(r)
    if r.settings.sub_filter_last_modified then
        return alteration.weaken_etag(r)
    end
    r.last_modified = nil
    if r.headers then
        r.headers:clear("last-modified")
        r.headers:clear("etag")
    end
end


local function filter(r)
    local settings = r.settings
    if is_empty(r) or not alteration.has_type(r, settings.sub_filter_types) then
        return
    end
    local patterns, values = evaluate(r, settings.sub_filter)
    if not patterns[1] then
        return
    end
    r.substituter = substituter.new(patterns, settings.sub_filter_once,
                                    function(i) return values[i](r) end)
    if not r.parent then
        return alter(r)
    end
end


function _M.header_filter(settings)
    return settings.sub_filter and filter
end


function _M.body_filter(settings, next)
    return settings.sub_filter and function(r, data, last)
        local stream = r.substituter
        if not stream then
            return next(r, data, last)
        end
        data = stream:write(data)
        if last then
            data = data .. stream:finish()
        end
        return next(r, data, last)
    end
end


function _M.prepare(settings)
    local given = settings.sub_filter or {}
    local found = {}
    for i, each in ipairs(given) do
        found[i] = {match = compile(each.match), value = compile(each.value)}
    end
    settings.sub_filter = found[1] and found or nil
    settings.sub_filter_types = set_of(settings.sub_filter_types)
end


return _M
