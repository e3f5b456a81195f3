-- What a match found, as ngx.re.match returns it.
--
--   collect(re, subject, into)
--     re          what has just matched
--     subject     string
--     into        table | nil: filled and returned in place of a new one
--     returns     {[0] = the match, captures…, name = capture…}, false for a
--                 group that took no part. With duplicate names (letter D)
--                 each name has the list of those captures that did

local regex = require "resty_py.regex"

local pcall = pcall
local require = require
local span = regex.span
local sub = string.sub

local has_new, new_table = pcall(require, "table.new")
if not has_new then
    new_table = function()
        return {}
    end
end

local _M = {}


local function collect_names(re, result)
    local names = re.names
    for i = 1, #names, 2 do
        result[names[i]] = result[names[i + 1]]
    end
end


local function collect_duplicate_names(re, result)
    local names = re.names
    for i = 1, #names, 2 do
        local name, capture = names[i], result[names[i + 1]]
        local list = result[name]
        if capture and list then
            list[#list + 1] = capture
        elseif capture then
            result[name] = {capture}
        end
    end
end


function _M.collect(re, subject, into)
    local groups = re.captures
    local result = into or new_table(groups, #re.names / 2)
    for group = 0, groups do
        local from, to = span(re, group)
        result[group] = from >= 0 and sub(subject, from + 1, to)
    end
    if re.duplicates then
        collect_duplicate_names(re, result)
    else
        collect_names(re, result)
    end
    return result
end


return _M
