-- MySQL string literals: ngx.quote_sql_str.
--
--   quote_sql_str(s)   string in single quotes, with what MySQL's parser
--                      treats specially escaped by a backslash

local find = string.find
local gsub = string.gsub

-- All bytes but the escaped ones, the most common first; names no NUL, for
-- Lua 5.1's matcher.
local SPECIAL = "[^\93-\255\40-\91 !#-&\1-\7\11\12\14-\25\27-\31]"

local escapes = {
    ["\0"] = "\\0",
    ["\b"] = "\\b",
    ["\t"] = "\\t",
    ["\n"] = "\\n",
    ["\r"] = "\\r",
    ["\26"] = "\\Z",
    ['"'] = '\\"',
    ["'"] = "\\'",
    ["\\"] = "\\\\",
}

local _M = {}


function _M.quote_sql_str(s)
    if find(s, SPECIAL) then
        s = gsub(s, SPECIAL, escapes)
    end
    return "'" .. s .. "'"
end


return _M
