-- What sock:send may be given, as text: a string, number, boolean, nil or an
-- array of strings and numbers, nested as deep as it comes.
--
--   text_of(value)   a string | nil, what is wrong with it
--
-- Follows ngx_http_lua_calc_strlen_in_table, which is strict here.

local scalar = require "resty_py.api.scalar"

local concat = table.concat
local floor = math.floor
local next = next
local rawget = rawget
local to_text = scalar.to_text
local type = type

local EXPECTED = "string, number, boolean, nil, or array table expected, got "

local _M = {}


-- The greatest index of an array; nil where the table is none.
local function length(array)
    local n = 0
    for key in next, array do
        if type(key) ~= "number" or key < 1 or floor(key) ~= key then
            return nil
        elseif key > n then
            n = key
        end
    end
    return n
end


local append


local function append_value(pieces, n, value)
    local kind = type(value)
    if kind == "string" or kind == "number" then
        pieces[n + 1] = to_text(value)
        return n + 1
    elseif kind == "table" then
        return append(pieces, n, value)
    end
    return nil, "bad data type " .. kind .. " found"
end


-- Returns how many pieces there are then | nil, what is wrong.
function append(pieces, n, array)
    local last = length(array)
    if not last then
        return nil, "non-array table found"
    end
    local err
    for i = 1, last do
        n, err = append_value(pieces, n, rawget(array, i))
        if not n then
            return nil, err
        end
    end
    return n
end


function _M.text_of(value)
    local kind = type(value)
    if kind == "table" then
        local pieces = {}
        local n, err = append(pieces, 0, value)
        if not n then
            return nil, err
        end
        return concat(pieces, "", 1, n)
    elseif kind == "string" or kind == "number" or kind == "boolean"
        or kind == "nil"
    then
        return to_text(value)
    end
    return nil, EXPECTED .. kind
end


return _M
