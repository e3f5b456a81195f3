-- String literals of PostgreSQL and of JSON: set_quote_pgsql_str and
-- set_quote_json_str. MySQL's are in codec/sql.lua.
--
--   pgsql(s)   string in E'…'; bytes that are no UTF-8 are written "\\ooo"
--   json(s)    string in double quotes, "null" for an empty one
--
-- UTF-8 is looked at by the length that a first byte tells, up to six bytes,
-- as it was before RFC 3629.

local byte = string.byte
local char = string.char
local find = string.find
local format = string.format
local gsub = string.gsub
local sub = string.sub

-- First bytes below these start a sequence of that many bytes.
local FIRST_BYTES = {{0xc0, nil}, {0xe0, 2}, {0xf0, 3}, {0xf8, 4}, {0xfc, 5},
                     {0xfe, 6}}

local PGSQL = {
    ["\0"] = "\\0",
    ["\b"] = "\\b",
    ["\t"] = "\\t",
    ["\n"] = "\\n",
    ["\r"] = "\\r",
    ['"'] = '\\"',
    ["'"] = "\\'",
    ["\\"] = "\\\\",
}

local JSON = {
    ["\b"] = "\\b",
    ["\t"] = "\\t",
    ["\n"] = "\\n",
    ["\f"] = "\\f",
    ["\r"] = "\\r",
    ['"'] = '\\"',
    ["\\"] = "\\\\",
}
for code = 0, 31 do
    JSON[char(code)] = JSON[char(code)] or format("\\u%04X", code)
end

local _M = {}


-- Returns how many bytes a sequence has that starts so, or nil.
local function sequence_length(first)
    for i = 1, #FIRST_BYTES do
        if first < FIRST_BYTES[i][1] then
            return FIRST_BYTES[i][2]
        end
    end
end


-- Writes the bytes of a run without ASCII that form no sequence.
local function escape_run(run)
    local text, at = "", 1
    while at <= #run do
        local first = byte(run, at)
        local length = sequence_length(first)
        local rest = length and sub(run, at + 1, at + length - 1)
        if length and #rest == length - 1 and not find(rest, "[^\128-\191]")
        then
            text = text .. sub(run, at, at + length - 1)
            at = at + length
        else
            text = text .. format("\\\\%03o", first)
            at = at + 1
        end
    end
    return text
end


function _M.pgsql(s)
    if s == "" then
        return "''"
    end
    s = gsub(s, "[%c\"'\\]", PGSQL)
    return "E'" .. gsub(s, "[\128-\255]+", escape_run) .. "'"
end


function _M.json(s)
    if s == "" then
        return "null"
    end
    return '"' .. gsub(s, '[%c"\\]', JSON) .. '"'
end


return _M
