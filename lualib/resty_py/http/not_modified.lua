-- A header filter: answers 304 to a client that has this version already, and
-- 412 to one that asks for another.
--
-- Rules:
--
-- 1. It is for a 200 of a main request, whoever made it, unless that said
--    ngx.resp.bypass_if_checks().
-- 2. If-Unmodified-Since and If-Match must hold, else 412: a response without
--    a time or an ETag is another one than was asked for.
-- 3. Of If-Modified-Since and If-None-Match, those that are there must all
--    say that the client has it. `if_modified_since` says how times compare;
--    the ETags of If-None-Match compare weakly, those of If-Match as they are.
--
-- Follows ngx_http_not_modified_filter_module.c.

local parse_http_time = require "resty_py.codec.httptime".parse_http_time
local validators = require "resty_py.http.validators"

local byte = string.byte
local etag_of = validators.etag
local find = string.find
local last_modified = validators.last_modified
local match = string.match
local sub = string.sub

local COMMA = byte(",")

local CONDITIONS = {
    ["if-unmodified-since"] = "unmodified_since",
    ["if-match"] = "match",
    ["if-modified-since"] = "modified_since",
    ["if-none-match"] = "none_match",
}

local _M = {}


local function read_conditions(fields)
    local found = false
    for i = 1, fields.n do
        local name = CONDITIONS[fields[i].lower]
        if name then
            found = found or {}
            found[name] = found[name] or fields[i].value
        end
    end
    return found
end


-- Returns what the client asks for by the names above, false for nothing. It
-- is kept with fields that requests share.
local function conditions(r)
    local fields = r.head.fields
    local found = fields.conditions
    if found == nil or fields.owner then
        found = read_conditions(fields)
        fields.conditions = found
    end
    return found
end


local function is_modified_since(r, text)
    local time = last_modified(r)
    local since = time and parse_http_time(text)
    return not since or since < time
end


-- The same as `if_modified_since` has it.
local function is_another(r, text)
    local rule = r.settings.if_modified_since
    local time = last_modified(r)
    if not time or rule == "off" then
        return true
    end
    local since = parse_http_time(text)
    return not since or since ~= time and (rule == "exact" or since < time)
end


local function skip_weakness(text, position)
    return match(text, "^W/().", position) or position
end


-- Whether the tag stands in the list at `position`, alone between commas.
local function stands_at(list, position, etag)
    local last = position + #etag - 1
    if sub(list, position, last) ~= etag then
        return false
    end
    local after = find(list, "[^ \t]", last + 1)
    return not after or byte(list, after) == COMMA
end


-- Whether `list`, of If-Match or If-None-Match, names the response's ETag.
local function names(r, list, weak)
    if list == "*" then
        return true
    end
    local etag = etag_of(r)
    if not etag then
        return false
    elseif weak then
        etag = sub(etag, skip_weakness(etag, 1))
    end
    local position = 1
    while position and position <= #list do
        if weak then
            position = skip_weakness(list, position)
        end
        if stands_at(list, position, etag) then
            return true
        end
        local comma = find(list, ",", position, true)
        position = comma and find(list, "[^ \t,]", comma)
    end
    return false
end


local function has_it(r, asked)
    if asked.modified_since and is_another(r, asked.modified_since) then
        return false
    end
    return not asked.none_match or names(r, asked.none_match, true)
end


local function send_nothing(r)
    r.status = 304
    r.content_type = ""
    r.content_length = nil
    r.allow_ranges = false
    local headers = r.headers
    if headers then
        headers:clear("content-length")
        headers:clear("accept-ranges")
        headers:clear("content-encoding")
    end
end


-- Takes the headers that were set out of what is answered instead: those of
-- ngx_http_clean_header.
local function refuse(r)
    r.headers = nil
    r.content_type = nil
    r.content_length = nil
    r.last_modified = nil
    return 412
end


-- Whether the client wants another version than this one.
local function is_refused(r, asked)
    return asked.unmodified_since
        and is_modified_since(r, asked.unmodified_since)
        or asked.match and not names(r, asked.match, false)
end


-- Returns nil | 412, which is to be answered in place of the response.
function _M.filter(r)
    if r.status ~= 200 or r.parent or r.is_unconditional then
        return
    end
    local asked = conditions(r)
    if not asked then
        return
    elseif is_refused(r, asked) then
        return refuse(r)
    elseif (asked.modified_since or asked.none_match) and has_it(r, asked) then
        send_nothing(r)
    end
end


return _M
