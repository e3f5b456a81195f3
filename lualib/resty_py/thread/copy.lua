-- Values on their way from one VM into another: as a string.
--
--   pack(…)        returns the string | nil, why a value cannot be copied
--   unpack(text)   returns the values
--
-- Two VMs share nothing, and may run at the same time: so what one gives the
-- other is written down here and read there. Booleans, numbers, strings,
-- ngx.null and tables of them are copied; a table's metatable is not, and one
-- that is in two places becomes two. What cannot be, and how it is said,
-- follows ngx_http_lua_xcopy.
--
-- A value is one letter and what belongs to it:
--
--   N, T, F, U    nil, true, false, ngx.null
--   I<digits>;    an integer (Lua 5.3 on)
--   D<number>;    a float
--   S<size>:<bytes>
--   {…}           a table: keys and values in turns

local null = require "resty_py.api.null"

local byte = string.byte
local concat = table.concat
local find = string.find
local format = string.format
local huge = math.huge
local math_type = math.type
local next = next
local select = select
local sub = string.sub
local tonumber = tonumber
local type = type
local unpack = unpack or table.unpack  -- luacheck: ignore 143
local upper = string.upper

-- LUA_COPY_MAX_DEPTH
local MAX_DEPTH = 100
local TOO_DEEP = "suspicious circular references, table depth exceed max "
    .. "depth: " .. MAX_DEPTH

-- Types that Lua's C API has a name for and that are not copied.
local UNSUPPORTED = {["function"] = true, userdata = true, thread = true,
                     ["nil"] = true}

local _M = {}


-- Writing -------------------------------------------------------------------


local function float_text(number)
    if number ~= number then
        return "Dnan;"
    elseif number == huge then
        return "Dinf;"
    elseif number == -huge then
        return "D-inf;"
    elseif number == 0 then
        return 1 / number < 0 and "D-0.0;" or "D0.0;"
    end
    return format("D%.17g;", number)
end


local function number_text(number)
    if math_type and math_type(number) == "integer" then
        return format("I%d;", number)
    end
    return float_text(number)
end


local WRITERS = {
    boolean = function(value)
        return value and "T" or "F"
    end,
    number = number_text,
    string = function(value)
        return format("S%d:", #value) .. value
    end,
}


local function refusal(kind)
    if UNSUPPORTED[kind] then
        return "unsupported Lua type: LUA_T" .. upper(kind)
    end
    return "unsupported Lua type"
end


local write


-- Returns true | nil, why not.
local function write_table(value, pieces, depth)
    if depth >= MAX_DEPTH then
        return nil, TOO_DEEP
    end
    pieces[#pieces + 1] = "{"
    for key, item in next, value do
        local ok, err = write(key, pieces, depth + 1)
        if ok then
            ok, err = write(item, pieces, depth + 1)
        end
        if not ok then
            return nil, err
        end
    end
    pieces[#pieces + 1] = "}"
    return true
end


-- Returns true | nil, why not.
function write(value, pieces, depth)
    local kind = type(value)
    local writer = WRITERS[kind]
    if kind == "table" then
        return write_table(value, pieces, depth)
    elseif writer then
        pieces[#pieces + 1] = writer(value)
    elseif value == null then
        pieces[#pieces + 1] = "U"
    else
        return nil, refusal(kind)
    end
    return true
end


function _M.pack(...)
    local pieces = {}
    for i = 1, select("#", ...) do
        local value = select(i, ...)
        if value == nil then
            pieces[#pieces + 1] = "N"
        else
            local ok, err = write(value, pieces, 1)
            if not ok then
                return nil, err
            end
        end
    end
    return concat(pieces)
end


-- Reading -------------------------------------------------------------------


local SPECIAL = {nan = 0 / 0, inf = huge, ["-inf"] = -huge}

local read


local function read_number(text, position)
    local stop = find(text, ";", position, true)
    return sub(text, position, stop - 1), stop + 1
end


local function read_integer(text, position)
    local digits, after = read_number(text, position)
    return tonumber(digits), after
end


local function read_float(text, position)
    local digits, after = read_number(text, position)
    return SPECIAL[digits] or tonumber(digits) * 1.0, after
end


local function read_string(text, position)
    local colon = find(text, ":", position, true)
    local after = colon + 1 + tonumber(sub(text, position, colon - 1))
    return sub(text, colon + 1, after - 1), after
end


local CLOSE = byte("}")


local function read_table(text, position)
    local result = {}
    while byte(text, position) ~= CLOSE do
        local key, value
        key, position = read(text, position)
        value, position = read(text, position)
        result[key] = value
    end
    return result, position + 1
end


local function constant(value)
    return function(_, position)
        return value, position
    end
end


local READERS = {
    [byte("N")] = constant(nil),
    [byte("T")] = constant(true),
    [byte("F")] = constant(false),
    [byte("U")] = constant(null),
    [byte("I")] = read_integer,
    [byte("D")] = read_float,
    [byte("S")] = read_string,
    [byte("{")] = read_table,
}


-- Returns the value at `position` and the position after it.
function read(text, position)
    return READERS[byte(text, position)](text, position + 1)
end


function _M.unpack(text)
    local values, n, position = {}, 0, 1
    while position <= #text do
        n = n + 1
        values[n], position = read(text, position)
    end
    return unpack(values, 1, n)
end


return _M
