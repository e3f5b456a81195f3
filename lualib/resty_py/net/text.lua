-- What sock:send may be given, as text: numbers, booleans, nil and arrays of
-- them, nested as deep as they come.
--
--   text_of(value, name)   a string; an error naming the method otherwise
--
-- Follows ngx_http_lua_calc_strlen_in_table and ..._copy_str_in_table.

local scalar = require "resty_py.api.scalar"

local concat = table.concat
local error = error
local format = string.format
local next = next
local to_text = scalar.to_text
local type = type

local _M = {}

local EXPECTED = "string, number, boolean, nil, or array table expected, got "


local function bad(name, text)
    error(format("bad argument #1 to '%s' (%s)", name, text), 0)
end


local function length(array, name)
    local n = 0
    for key in next, array do
        if type(key) ~= "number" or key <= 0 or key % 1 ~= 0 then
            bad(name, "non-array table found")
        elseif key > n then
            n = key
        end
    end
    return n
end


local function append(pieces, n, array, name)
    for i = 1, length(array, name) do
        local value = array[i]
        local text = to_text(value)
        if text then
            n = n + 1
            pieces[n] = text
        elseif type(value) == "table" then
            n = append(pieces, n, value, name)
        else
            bad(name, "bad data type " .. type(value) .. " found")
        end
    end
    return n
end


function _M.text_of(value, name)
    if type(value) == "table" then
        local pieces = {}
        return concat(pieces, "", 1, append(pieces, 0, value, name))
    end
    local text = to_text(value)
    if not text then
        bad(name, EXPECTED .. type(value))
    end
    return text
end


return _M
