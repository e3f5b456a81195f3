-- map: variables whose value depends on that of a text.
--
--   compile(given)   f(r) -> string
--
-- Regular expressions are not asked about an empty text.
--
-- Follows ngx_http_map_find and ngx_http_map_variable.

local hostnames = require "resty_py.program.hostnames"
local pattern = require "resty_py.program.pattern"
local template = require "resty_py.program.template"

local compile = template.compile
local gsub = string.gsub
local ipairs = ipairs
local lower = string.lower
local match = pattern.match
local type = type

local _M = {}


local function compile_rules(given)
    local names, regexes, exact = hostnames.new(), {}, {}
    for _, rule in ipairs(given.rules) do
        local value = compile(rule.value)
        if type(rule.source) == "table" then
            regexes[#regexes + 1] = {pattern = pattern.compile(rule.source),
                                     value = value}
        elseif given.hostnames then
            hostnames.add(names, rule.source, value)
        else
            exact[rule.source] = value
        end
    end
    return exact, given.hostnames and names, regexes
end


local function find_regex(r, regexes, text)
    for i = 1, #regexes do
        if match(regexes[i].pattern, r, text) then
            return regexes[i].value
        end
    end
end


local function finder(given)
    local exact, names, regexes = compile_rules(given)
    local default = compile(given.default)
    return function(r, text)
        local key = lower(text)
        local value = exact[key]
            or names and hostnames.find(names, (gsub(key, "%.$", "")))
        return value or text ~= "" and find_regex(r, regexes, text) or default
    end
end


function _M.compile(given)
    local source, find = compile(given.source), finder(given)
    return function(r)
        return find(r, source(r))(r)
    end
end


return _M
