-- Forms as scripts of Monkey's Lua plugin see them: two tables, name -> first
-- value and name -> array of values.
--
--   parse_urlencoded(text)      fields that "&" parts; "1" where no "=" is;
--                               nothing is percent-decoded
--   parse(body, content_type)   urlencoded, or multipart/form-data; of a
--                               file its content, not its name

local find = string.find
local gmatch = string.gmatch
local gsub = string.gsub
local lower = string.lower
local match = string.match
local sub = string.sub

-- The longest name of a multipart field, in bytes.
local NAME_MAX = 255

-- What a field is worth that has no value.
local NO_VALUE = "1"

local _M = {}


local function add(first, all, name, value)
    if first[name] == nil then
        first[name], all[name] = value, {}
    end
    all[name][#all[name] + 1] = value
end


function _M.parse_urlencoded(text)
    local first, all = {}, {}
    for field in gmatch(text, "[^&]+") do
        local name, value = match(field, "^([^=]*)=(.*)$")
        add(first, all, name or field, value or NO_VALUE)
    end
    return first, all
end


local function field_name(head)
    local name = match(head, '[; ]name="([^"]*)"')
        or match(head, "[; ]name=([^%s;]+)")
    return name and #name <= NAME_MAX and name
end


local function parse_multipart(body, boundary)
    local first, all = {}, {}
    local mark = "--" .. boundary
    local _, place = find(body, mark, 1, true)
    while place do
        local head_from, head_to = find(body, "\r\n\r\n", place, true)
        local next_from, next_to = find(body, "\r\n" .. mark, head_to or place,
                                        true)
        if not head_from or not next_from then
            break
        end
        local name = field_name(sub(body, place + 1, head_from))
        if name then
            add(first, all, name, sub(body, head_to + 1, next_from - 1))
        end
        place = next_to
    end
    return first, all
end


function _M.parse(body, content_type)
    if find(lower(content_type), "^multipart/form%-data") then
        local boundary = match(content_type, 'boundary="([^"]+)"')
            or match(content_type, "boundary=([^%s;]+)")
        return parse_multipart(body, boundary or "")
    end
    return _M.parse_urlencoded((gsub(body, "[\r\n]+$", "")))
end


return _M
