-- Percent-escaping by string.gsub; see codec/uri.lua.

local classes = require "resty_py.codec.uri_classes"

local char = string.char
local find = string.find
local format = string.format
local gsub = string.gsub
local pairs = pairs

local COMPONENT = 2

local _M = {}

local unsafe = {}
for kind, class in pairs(classes) do
    unsafe[kind] = "[^" .. class .. "]"
end

local codes = {}
for value = 0, 255 do
    codes[char(value)] = format("%%%02X", value)
end


function _M.escape(s, kind)
    local pattern = unsafe[kind or COMPONENT]
    if find(s, pattern) then
        return (gsub(s, pattern, codes))
    end
    return s
end


_M.escape_many = _M.escape

return _M
