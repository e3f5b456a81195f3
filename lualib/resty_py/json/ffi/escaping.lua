-- Escapes by loops without branches; see json/escape.lua.
--
-- A byte has a code of eight bytes and a width of one to six: the code is
-- stored whole and the position moves by the width.

local ffi = require "ffi"
local portable = require "resty_py.json.portable.escaping"
local scratch = require "resty_py.codec.ffi.scratch"

local cast = ffi.cast
local ffi_string = ffi.string
local find = string.find

local SOURCE = ffi.typeof("const uint8_t *")
local CODE = ffi.typeof("uint64_t *")
local CODE_SIZE, MAX_WIDTH = 8, 6

-- Longer texts would need memory of their own.
local MAX_SIZE = 10000


return function(set, codes)
    local special = ffi.new("uint8_t[256]")
    local code, width = ffi.new("uint64_t[256]"), ffi.new("uint8_t[256]")
    for value = 0, 255 do
        local char = string.char(value)
        local text = find(char, set) and codes[char] or char
        special[value] = find(char, set) and 1 or 0
        ffi.copy(code + value, text, #text)
        width[value] = #text
    end

    local by_pattern = portable(set, codes)

    local function escape(source, length)
        local buffer, n = scratch(MAX_WIDTH * length + CODE_SIZE), 0
        for i = 0, length - 1 do
            local value = source[i]
            cast(CODE, buffer + n)[0] = code[value]
            n = n + width[value]
        end
        return ffi_string(buffer, n)
    end

    return function(s)
        local source, length, found = cast(SOURCE, s), #s, 0
        for i = 0, length - 1 do
            found = found + special[source[i]]
        end
        if found == 0 then
            return s
        elseif length > MAX_SIZE then
            return by_pattern(s)
        end
        return escape(source, length)
    end
end
