-- Query strings: ngx.encode_args, ngx.decode_args and the arguments of a
-- request.
--
--   encode(args)               string | nil, message: what cannot be encoded
--   decode(s, max, into)       table [, "truncated"]: ngx.decode_args,
--                              ngx.req.get_post_args
--   decode_query(s, max, into) the same for ngx.req.get_uri_args
--
-- encode() drops what is false and what is an empty table. (OpenResty drops
-- it as well, but miscounts where such a key needs escaping, and throws
-- "buffer error"; that is not followed.)
--
-- Rules of decoding:
--
-- 1. "&" ends a pair, its first "=" ends the key; both sides are unescaped
--    after that. Without "=" the value is true.
-- 2. A pair whose key is empty is dropped.
-- 3. A key that comes again has an array of its values, in their order.
-- 4. Not more than `max` pairs are looked at; where more was to come, the
--    second result says so. 0 is no limit. decode() counts dropped pairs and
--    lets a negative `max` be no limit; decode_query() counts the pairs it
--    keeps, takes a negative `max` for the default, and calls an argument
--    string truncated by its number of "&" alone (ngx_http_lua_parse_args and
--    ngx_http_lua_ffi_req_get_uri_args differ so).
-- 5. `into` is cleared and filled in place of a new table.

local text = require "resty_py.codec.text"
local uri = require "resty_py.codec.uri"

local add_value = require "resty_py.codec.repeated".add
local concat = table.concat
local escape = uri.escape_many
local find = string.find
local next = next
local sub = string.sub
local text_of = text.check
local type = type
local unescape = uri.unescape

-- NGX_HTTP_LUA_MAX_ARGS: pairs read where the caller names no other limit.
local MAX_ARGS = 100

local BAD_KEY = 'attempt to use a non-string key in the "args" option table'

local _M = {MAX_ARGS = MAX_ARGS}


local function bad_value(value)
    return nil, "attempt to use " .. type(value) .. " as query arg value"
end


-- Appends the pairs of one key and value; returns how many pieces there are,
-- or nil and a message.
local function put(pieces, n, key, value)
    if type(value) == "boolean" then
        if value then
            n = n + 1
            pieces[n] = key
        end
        return n
    end
    local plain = text_of(value)
    if not plain then
        return bad_value(value)
    end
    n = n + 1
    pieces[n] = key .. "=" .. escape(plain)
    return n
end


local function put_all(pieces, n, key, values)
    local message
    for _, value in next, values do
        n, message = put(pieces, n, key, value)
        if not n then
            return nil, message
        end
    end
    return n
end


function _M.encode(args)
    local pieces, n = {}, 0
    local message
    for key, value in next, args do
        if type(key) ~= "string" then
            return nil, BAD_KEY
        end
        local add = type(value) == "table" and put_all or put
        n, message = add(pieces, n, escape(key), value)
        if not n then
            return nil, message
        end
    end
    return concat(pieces, "&")
end


local function emptied(into)
    for key in next, into do
        into[key] = nil
    end
    return into
end


-- Stores the pair s[from..last], whose first "=" is at `equals` unless that
-- lies behind `last`. Returns whether its key was not empty.
local function store_pair(args, s, from, last, equals, is_plain)
    local key, value
    if equals > last then
        key, value = sub(s, from, last), true
    else
        key, value = sub(s, from, equals - 1), sub(s, equals + 1, last)
    end
    if key == "" then
        return false
    end
    if not is_plain then
        key = unescape(key)
        value = value == true or unescape(value)
    end
    add_value(args, key, value)
    return true
end


-- Reads pairs until `max` of them are counted; returns the table and where
-- the next pair would begin, nil where the string has ended.
local function read(s, max, into, counts_dropped)
    local args = into and emptied(into) or {}
    local is_plain = not find(s, "%", 1, true) and not find(s, "+", 1, true)
    local length = #s
    local from, equals, n = 1, 0, 0
    while from <= length do
        local ampersand = find(s, "&", from, true)
        -- One search for "=" serves all pairs before it.
        if equals < from then
            equals = find(s, "=", from, true) or length + 1
        end
        local kept = store_pair(args, s, from, (ampersand or length + 1) - 1,
                                equals, is_plain)
        if not ampersand then
            break
        end
        from = ampersand + 1
        if kept or counts_dropped then
            n = n + 1
            if n == max then
                return args, from
            end
        end
    end
    return args
end


function _M.decode(s, max, into)
    local args, rest = read(s, max or MAX_ARGS, into, true)
    if rest then
        return args, "truncated"
    end
    return args
end


-- Whether the string has more than `max` pairs, empty ones included.
local function exceeds(s, max)
    local ampersand = 0
    for _ = 1, max do
        ampersand = find(s, "&", ampersand + 1, true)
        if not ampersand then
            return false
        end
    end
    return true
end


function _M.decode_query(s, max, into)
    if not max or max < 0 then
        max = MAX_ARGS
    end
    local args = read(s, max, into, false)
    if max > 0 and exceeds(s, max) then
        return args, "truncated"
    end
    return args
end


return _M
