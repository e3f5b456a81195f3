-- What may not stand in a header line as it is: percent-escaped, so that no
-- handler can end a line and begin another (response splitting).
--
--   name(name)    what is known of a name, kept and shared, never changed:
--                 name (escaped), lower (the same in lower case), dashed (what
--                 is known of it with "-" for each "_")
--   value(value)  string
--
-- Follows ngx_http_lua_copy_escaped_header.

local memo = require "resty_py.http.memo"

local byte = string.byte
local find = string.find
local format = string.format
local gsub = string.gsub
local lower = string.lower
local recall = memo.recall
local store = memo.store

-- Bytes that NGX_HTTP_LUA_ESCAPE_HEADER_NAME escapes.
local IN_NAME = '[%c "(),/:;<=>?@%[\\%]{}\127-\255]'
-- NGX_HTTP_LUA_ESCAPE_HEADER_VALUE: control characters but the tab.
local IN_VALUE = "[^%C\t]"

local SPACE, TAB, DEL = byte(" \t\127", 1, 3)

-- Names kept per generation; longer ones are read each time.
local NAMES = 256
local NAME_LENGTH = 64

local names = memo.new(NAMES)

local _M = {}


local function escape_byte(letter)
    return format("%%%02X", byte(letter))
end


local describe


function describe(name)
    local escaped = gsub(name, IN_NAME, escape_byte)
    local record = {name = escaped, lower = lower(escaped), dashed = nil}
    if find(name, "_", 1, true) then
        record.dashed = describe((gsub(name, "_", "-")))
    else
        record.dashed = record
    end
    return record
end


function _M.name(name)
    local record = names.young[name] or recall(names, name)
    if record then
        return record
    end
    record = describe(name)
    if #name > NAME_LENGTH then
        return record
    end
    return store(names, name, record)
end


local function is_plain_compiled(value)
    for i = 1, #value do
        local code = byte(value, i)
        if code < SPACE and code ~= TAB or code == DEL then
            return false
        end
    end
    return true
end


local function is_plain_interpreted(value)
    return find(value, "^[ -~]*$") or not find(value, IN_VALUE)
end


-- A byte at a time is fast where it is compiled, one anchored pattern where
-- it is not.
local is_plain = rawget(_G, "jit") and is_plain_compiled
    or is_plain_interpreted


function _M.value(value)
    if is_plain(value) then
        return value
    end
    return (gsub(value, IN_VALUE, escape_byte))
end


return _M
