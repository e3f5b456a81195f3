-- Replacement templates of ngx.re.sub and ngx.re.gsub.
--
--   parse(text)   a string, where there is no "$" in it; else a list of
--                 strings and group numbers
--                 | nil, err, what to write into the error log
--
-- "$0" … "$12", "${0}" … are groups, "$$" is a dollar. Templates are kept, up
-- to as many as patterns are; a program has few.
--
-- Follows ngx_http_lua_script.c.

local find = string.find
local match = string.match
local sub = string.sub
local tonumber = tonumber

local KEPT_MAX = 1024  -- lua_regex_cache_max_entries

local FAILED = "failed to compile the replacement template"

local _M = {}

local kept, kept_count = {}, 0


-- Says what is wrong with the variable that begins with the "$" at `at`.
local function complaint(text, at)
    local braced = sub(text, at + 1, at + 1) == "{"
    local first = braced and at + 2 or at + 1
    local name = match(text, "^%d+", first)
        or match(text, "^[A-Za-z0-9_]*", first)
    local after = first + #name
    if braced and first <= #text and sub(text, after, after) ~= "}" then
        return 'the closing bracket in "' .. name .. '" variable is missing'
    elseif name ~= "" then
        return 'attempt to use named capturing variable "' .. name
            .. '" (named captures not supported yet)'
    end
    return 'lua script: invalid capturing variable name found in "' .. text
        .. '"'
end


-- Reads what follows the "$" at `at`.
-- Returns a string or a group's number, and the index after it | nil.
local function read_variable(text, at)
    if sub(text, at + 1, at + 1) == "$" then
        return "$", at + 2
    end
    local number, after = match(text, "^(%d+)()", at + 1)
    if not number then
        number, after = match(text, "^{(%d+)}()", at + 1)
    end
    return tonumber(number), after
end


local function parse(text)
    local items, at = {}, 1
    while at <= #text do
        local dollar = find(text, "$", at, true)
        if dollar ~= at then
            items[#items + 1] = sub(text, at, (dollar or 0) - 1)
        end
        if not dollar then
            break
        end
        items[#items + 1], at = read_variable(text, dollar)
        if not at then
            return nil, FAILED, complaint(text, dollar)
        end
    end
    return items
end


local function keep(text, items)
    if kept_count >= KEPT_MAX then
        kept, kept_count = {}, 0
    end
    kept[text] = items
    kept_count = kept_count + 1
end


function _M.parse(text)
    local items = kept[text]
    if items then
        return items
    elseif not find(text, "$", 1, true) then
        return text
    end
    local err, line
    items, err, line = parse(text)
    if items then
        keep(text, items)
    end
    return items, err, line
end


return _M
