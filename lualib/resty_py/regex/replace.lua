-- Replacing matches: what ngx.re.sub and ngx.re.gsub do.
--
--   replace(re, subject, replacement, global)
--     replacement   string | list (template.lua) | function(captures)
--     global        all matches in place of the first
--     returns       string, number of matches | nil, nil, err
--
-- After an empty match the next one is looked for a byte further on, and at
-- the end of the subject nothing follows it.
--
-- What a match left behind is read before a replacement function is called:
-- it may look for other matches, even yield. Its output is a call's own.

local as_text = require "resty_py.regex.as_text"
local captures = require "resty_py.regex.captures"
local regex = require "resty_py.regex"

local collect = captures.collect
local match = regex.match
local pcall = pcall
local require = require
local span = regex.span
local type = type

local half = pcall(require, "ffi") and "ffi" or "host"
local output = require("resty_py.regex." .. half .. "_output")
local append, give, take, text = output.append, output.give, output.take,
                                 output.text


-- Appends what stands for a match --------------------------------------------


local function put_string(out, _, _, replacement)
    append(out, replacement, 0, #replacement)
end


local function put_item(out, re, subject, item)
    if type(item) == "string" then
        append(out, item, 0, #item)
    elseif item and item <= re.captures then
        append(out, subject, span(re, item))
    end
end


local function put_four(out, re, subject, template, i)
    put_item(out, re, subject, template[i])
    put_item(out, re, subject, template[i + 1])
    put_item(out, re, subject, template[i + 2])
    put_item(out, re, subject, template[i + 3])
end


-- A loop that runs is compiled before the one over the matches, which LuaJIT
-- then leaves to its interpreter. Few templates have more than eight items.
local function put_template(out, re, subject, template)
    put_four(out, re, subject, template, 1)
    if template[5] then
        put_four(out, re, subject, template, 5)
    end
    for i = 9, #template, 4 do
        put_four(out, re, subject, template, i)
    end
end


local function put_result(out, re, subject, call)
    local piece = as_text(call(collect(re, subject)))
    append(out, piece, 0, #piece)
end


local PUT = {string = put_string, table = put_template,
             ["function"] = put_result}


return function(re, subject, replacement, global)
    local put = PUT[type(replacement)]
    local out, length = take(), #subject
    local count, copied, start = 0, 0, 0
    repeat
        local found, err = match(re, subject, start)
        if err then
            return nil, nil, err
        elseif not found then
            break
        end
        local from, to = span(re, 0)
        append(out, subject, copied, from)
        put(out, re, subject, replacement)
        copied, count = to, count + 1
        start = to > from and to or to + 1
    until not global or start > length
    if count == 0 then
        give(out)
        return subject, 0
    end
    append(out, subject, copied, length)
    local result = text(out)
    give(out)
    return result, count
end
