-- JSON text into Lua values.
--
--   decode(s, config)   value | nil, what lua-cjson says of it
--
-- Rules:
--
-- 1. One loop reads a value a round and keeps the containers around it on a
--    stack of its own: no recursion, so depth is limited by the settings alone,
--    and LuaJIT compiles it.
-- 2. A string without escapes is found by plain searches. The next backslash of
--    the whole text is known, so no string is looked through twice.
-- 3. A NUL ends the text, wherever it stands.
-- 4. What is wrong at a place is found out by token.lua, once it is wrong.
--
-- Follows lua_cjson.c.

local array_mt = require "resty_py.json.marks".array_mt
local blank_comments = require "resty_py.json.comments".blank
local byte = string.byte
local find = string.find
local format = string.format
local huge = math.huge
local null = require "resty_py.api.null"
local numeral = require "resty_py.json.numeral"
local setmetatable = setmetatable
local sub = string.sub
local text = require "resty_py.json.text"
local token = require "resty_py.json.token"

local cursor_of = numeral.cursor
local fail = token.fail
local is_invalid = numeral.is_invalid
local read_number = numeral.read
local match_key = text.key
local read_plain = text.plain
local read_text = text.read

local SPACE = 32
local QUOTE, COMMA, COLON = 34, 44, 58
local OPEN_ARRAY, CLOSE_ARRAY = 91, 93
local OPEN_OBJECT, CLOSE_OBJECT = 123, 125
local MINUS, ZERO, NINE = 45, 48, 57
local F, N, T = 102, 110, 116

local is_space = {[9] = true, [10] = true, [13] = true, [32] = true}


-- The first byte from pos on that is no white space, and where.
local function peek(s, pos)
    local c = byte(s, pos)
    if not c or c > SPACE then
        return c, pos
    end
    while is_space[c] do
        pos = pos + 1
        c = byte(s, pos)
    end
    return c, pos
end


-- The string at pos, a quote: the text, the position behind it, and the next
-- backslash | nil.
local function read_string(s, pos, backslash)
    local value, behind = read_plain(s, pos, backslash)
    if value then
        return value, behind, backslash
    end
    value, pos = read_text(s, pos + 1)
    if value then
        backslash = find(s, "\\", pos, true) or huge
    end
    return value, pos, backslash
end


-- A key and its colon: the key, the position behind, and the next backslash
-- | nil, err
local function read_key(s, pos, backslash, config)
    if match_key then
        local found, behind = match_key(s, pos)
        if found then
            return found, behind, backslash
        end
    end
    local c
    c, pos = peek(s, pos)
    local start, key = pos, nil
    if c == QUOTE then
        key, pos, backslash = read_string(s, pos, backslash)
    end
    if not key then
        return fail("object key string", s, start, config)
    end
    c, pos = peek(s, pos)
    if c ~= COLON then
        return fail("colon", s, pos, config)
    end
    return key, pos + 1, backslash
end


local function read_number_checked(s, cursor, pos, config)
    if not config.decode_invalid_numbers and is_invalid(s, pos) then
        return nil
    end
    return read_number(cursor, pos)
end


-- true, false, null, and numbers that JSON does not have.
local function read_word(s, cursor, pos, c, config)
    if c == T and sub(s, pos, pos + 3) == "true" then
        return true, pos + 4
    elseif c == F and sub(s, pos, pos + 4) == "false" then
        return false, pos + 5
    elseif c == N and sub(s, pos, pos + 3) == "null" then
        return null, pos + 4
    elseif c and config.decode_invalid_numbers and is_invalid(s, pos) then
        return read_number(cursor, pos)
    end
    return nil
end


-- A value that is no container: it, the position behind, the next backslash
-- | nil, err
local function read_scalar(s, cursor, pos, c, backslash, config)
    local value, behind
    if c == QUOTE then
        value, behind, backslash = read_string(s, pos, backslash)
    elseif c and (c >= ZERO and c <= NINE or c == MINUS) then
        value, behind = read_number_checked(s, cursor, pos, config)
    else
        value, behind = read_word(s, cursor, pos, c, config)
    end
    if value == nil then
        return fail("value", s, pos, config)
    end
    return value, behind, backslash
end


local function new_container(is_array, config)
    if is_array and config.decode_array_with_array_mt then
        return setmetatable({}, array_mt)
    end
    return {}
end


local function too_deep(depth, pos)
    return nil, format("Found too many nested data structures (%d) at "
                       .. "character %d", depth, pos)
end


local function expect_end(s, pos, value, config)
    local c
    c, pos = peek(s, pos)
    if c then
        return fail("the end", s, pos, config)
    end
    return value
end


local function parse(s, config)
    -- Around the value: its container, and its place there: `index` in an
    -- array, `key` and 0 in an object. What is around that is stacked.
    local container, key, index, depth = nil, nil, 0, 0
    local containers, keys, indexes = {}, {}, {}
    local cursor = cursor_of(s)
    local backslash = find(s, "\\", 1, true) or huge
    local pos, wants_key = 1, false
    local c, value
    while true do
        if wants_key then
            key, pos, backslash = read_key(s, pos, backslash, config)
            if not key then
                return nil, pos
            end
        end
        c, pos = peek(s, pos)
        if c == OPEN_OBJECT or c == OPEN_ARRAY then
            if depth >= config.decode_max_depth then
                return too_deep(depth + 1, pos)
            end
            local is_array = c == OPEN_ARRAY
            value = new_container(is_array, config)
            c, pos = peek(s, pos + 1)
            if c == (is_array and CLOSE_ARRAY or CLOSE_OBJECT) then
                pos = pos + 1
            else
                depth = depth + 1
                containers[depth], keys[depth] = container, key
                indexes[depth] = index
                container, index = value, is_array and 1 or 0
                wants_key = not is_array
                value = nil
            end
        else
            value, pos, backslash = read_scalar(s, cursor, pos, c, backslash,
                                                config)
            if value == nil then
                return nil, pos
            end
        end
        -- Puts the value in its place, and a container that ends there too.
        while value ~= nil do
            if not container then
                return expect_end(s, pos, value, config)
            end
            local is_array = index > 0
            container[is_array and index or key] = value
            c, pos = peek(s, pos)
            if c == COMMA then
                index = is_array and index + 1 or 0
                wants_key = not is_array
                value = nil
            elseif c == (is_array and CLOSE_ARRAY or CLOSE_OBJECT) then
                value = container
                container, key = containers[depth], keys[depth]
                index = indexes[depth]
                depth = depth - 1
            else
                return fail(is_array and "comma or array end"
                            or "comma or object end", s, pos, config)
            end
            pos = pos + 1
        end
    end
end


return function(s, config)
    local nul = find(s, "\0", 1, true)
    if nul then
        if nul <= 2 and #s >= 2 then
            return nil, "JSON parser does not support UTF-16 or UTF-32"
        end
        s = sub(s, 1, nul - 1)
    end
    if config.decode_allow_comment then
        s = blank_comments(s)
    end
    return parse(s, config)
end
