-- Percent-encoding by string.gsub; see codec/uri.lua.

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

local escapes = {}   -- byte -> "%XX"
local unescapes = {} -- "XX", in any case of letters -> byte
for value = 0, 255 do
    local byte = char(value)
    escapes[byte] = format("%%%02X", value)
    for _, shape in pairs {"%02X", "%02x"} do
        local digits = format(shape, value)
        unescapes[digits] = byte
        unescapes[digits:sub(1, 1):upper() .. digits:sub(2):lower()] = byte
        unescapes[digits:sub(1, 1):lower() .. digits:sub(2):upper()] = byte
    end
end


function _M.escape(s, kind)
    local pattern = unsafe[kind or COMPONENT]
    if not find(s, pattern) then
        return s
    end
    return (gsub(s, pattern, escapes))
end


function _M.unescape(s)
    if find(s, "+", 1, true) then
        s = gsub(s, "%+", " ")
    end
    if find(s, "%", 1, true) then
        s = gsub(s, "%%(%x%x)", unescapes)
    end
    return s
end


return _M
