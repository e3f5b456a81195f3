-- Locations: records of what is in force for a part of the URIs, and finding
-- the one of a request.
--
--   compile(given, build)  a record with all that is nested in it
--   find(base, r)          the record for r.uri; its captures are set
--   enter(r, record)       puts it in force
--
-- Fields of a record:
--
--   modifier, pattern   as in the configuration
--   settings    by directive (resty_py.settings)
--   hooks       phase -> handler (handler.lua)
--   content     kind of the content handler, nil for static files
--   script      steps of the rewrite modules (script.lua), nil without any
--   steps       what the request engine runs in it (request/steps.lua)
--   limit_except   {methods = set, location = record}, or nil
--   exact, by_length, lengths, regexes, named   the nested locations
--   slashed     what answers paths that lack but a slash of one: steps.lua
--
-- Rules (ngx_http_core_find_location):
--
-- 1. An exact location ends the search.
-- 2. The longest prefix is remembered, and what is nested in it looked at
--    first; then the regular expressions beside it, in their order, unless
--    it is "^~".
-- 3. A regular expression that matches ends the search, but for what is
--    nested in it.

local clock = require "resty_py.clock"
local ipairs = ipairs
local pattern = require "resty_py.program.pattern"
local settings = require "resty_py.settings"
local sort = table.sort
local sub = string.sub

local match = pattern.match

local _M = {}


-- Making -------------------------------------------------------------------


local function add_slashed(record, inner)
    if inner.to_slash then
        record.slashed = record.slashed or {}
        record.slashed[sub(inner.pattern, 1, -2)] = inner.to_slash
    end
end


local function add_prefix(record, inner)
    local length = #inner.pattern
    local of_length = record.by_length[length]
    if not of_length then
        of_length = {}
        record.by_length[length] = of_length
        record.lengths[#record.lengths + 1] = length
    end
    of_length[inner.pattern] = inner
    add_slashed(record, inner)
end


local ADD = {
    ["="] = function(record, inner)
        record.exact[inner.pattern] = inner
        add_slashed(record, inner)
    end,
    ["@"] = function(record, inner)
        record.named[inner.pattern] = inner
    end,
    ["~"] = function(record, inner)
        record.regexes[#record.regexes + 1] = inner
    end,
    [""] = add_prefix,
    ["^~"] = add_prefix,
}
ADD["~*"] = ADD["~"]


local function longer(one, other)
    return one > other
end


local function add_locations(record, given, build)
    for _, each in ipairs(given) do
        ADD[each.modifier](record, _M.compile(each, build))
    end
    sort(record.lengths, longer)
end


local function methods_of(given)
    local set = {}
    for _, method in ipairs(given) do
        set[method] = true
    end
    return set
end


-- given: what resty_py/conf/program.py makes of a location.
-- build(record, given): completes the record: hooks, script, steps.
function _M.compile(given, build)
    local record = {
        modifier = given.modifier,
        pattern = given.pattern,
        regex = given.regex and pattern.compile(given.regex),
        settings = settings.define(given.settings),
        content = given.content,
        exact = {}, by_length = {}, lengths = {}, regexes = {}, named = {},
    }
    build(record, given)
    add_locations(record, given.locations, build)
    if given.limit_except then
        record.limit_except = {
            methods = methods_of(given.limit_except.methods),
            location = _M.compile(given.limit_except.location, build),
        }
    end
    return record
end


-- Finding ------------------------------------------------------------------


-- Returns the nested location of the longest prefix, among those whose length
-- is `i`-th or later, or nil.
local function find_prefix(record, uri, i)
    local length = record.lengths[i]
    if not length then
        return nil
    end
    local found = length <= #uri
        and record.by_length[length][sub(uri, 1, length)]
    return found or find_prefix(record, uri, i + 1)
end


local find


-- The same for regular expressions.
local function find_regex(record, r, i)
    local each = record.regexes[i]
    if not each then
        return nil
    elseif match(each.regex, r, r.uri) then
        return (find(each, r))
    end
    return find_regex(record, r, i + 1)
end


-- Returns the record, and whether the search is over.
function find(record, r)
    local exact = record.exact[r.uri]
    if exact then
        return exact, true
    end
    local found, over = record, nil
    local prefix = find_prefix(record, r.uri, 1)
    local slashed = record.slashed and record.slashed[r.uri]
    if slashed and not (prefix and prefix.pattern == r.uri) then
        return slashed, true
    end
    if prefix then
        found, over = find(prefix, r)
    end
    if not over and not (prefix and prefix.modifier == "^~") then
        local by_regex = find_regex(record, r, 1)
        if by_regex then
            return by_regex, true
        end
    end
    return found, over
end


_M.find = find


-- Entering -----------------------------------------------------------------


-- Whether a connection may have another request.
local function may_stay(downstream, given)
    return given.keepalive_timeout ~= 0
        and downstream.requests < given.keepalive_requests
        and clock.mono - downstream.opened <= given.keepalive_time
end


function _M.enter(r, record)
    local except = record.limit_except
    if except and not except.methods[r.method] then
        record = except.location
    end
    local given = record.settings
    r.location = record
    r.settings = given
    if record.content then
        r.content = record.content
    end
    if r.keepalive and not may_stay(r.downstream, given) then
        r.keepalive = false
    end
end


return _M
