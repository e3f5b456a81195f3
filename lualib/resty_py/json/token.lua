-- What stands at a place of a JSON document: for errors, in lua-cjson's words.
--
--   describe(s, pos, config)   "T_COMMA", "invalid token", …, and where
--   fail(expected, s, pos, config)   nil, "Expected … but found …"

local byte = string.byte
local find = string.find
local format = string.format
local numeral = require "resty_py.json.numeral"
local text = require "resty_py.json.text"

local cursor = numeral.cursor
local is_invalid = numeral.is_invalid
local number_name = numeral.name
local read_number = numeral.read
local read_text = text.read

local QUOTE = 34

local SIGNS = {
    [44] = "T_COMMA", [58] = "T_COLON", [91] = "T_ARR_BEGIN",
    [93] = "T_ARR_END", [123] = "T_OBJ_BEGIN", [125] = "T_OBJ_END",
}

local _M = {}


local function describe_text(s, pos)
    local value, problem, where = read_text(s, pos + 1)
    if value then
        return "T_STRING", pos
    end
    return problem, where
end


local function describe_number(s, pos)
    if read_number(cursor(s), pos) then
        return number_name(s, pos), pos
    end
    return "invalid number", pos
end


local function describe_word(s, pos, config)
    local lenient = config.decode_invalid_numbers
    if find(s, "^[-%d]", pos) then
        if not lenient and is_invalid(s, pos) then
            return "invalid number", pos
        end
        return describe_number(s, pos)
    elseif find(s, "^true", pos) or find(s, "^false", pos) then
        return "T_BOOLEAN", pos
    elseif find(s, "^null", pos) then
        return "T_NULL", pos
    elseif lenient and is_invalid(s, pos) then
        return describe_number(s, pos)
    elseif config.decode_allow_comment and find(s, "^/%*", pos) then
        return "unclosed multiline comment", #s + 1
    end
    return "invalid token", pos
end


function _M.describe(s, pos, config)
    pos = find(s, "[^ \t\r\n]", pos) or #s + 1
    local c = byte(s, pos)
    if not c then
        return "T_END", pos
    elseif c == QUOTE then
        return describe_text(s, pos)
    elseif SIGNS[c] then
        return SIGNS[c], pos
    end
    return describe_word(s, pos, config)
end


function _M.fail(expected, s, pos, config)
    local found, where = _M.describe(s, pos, config)
    return nil, format("Expected %s but found %s at character %d", expected,
                       found, where)
end


return _M
