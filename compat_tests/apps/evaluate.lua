-- Runs the Lua in the request's body. It gets one argument, say(...), which
-- writes a line that shows its values.
--
-- luacheck: std ngx_lua

local concat = table.concat
local format = string.format
local load = loadstring or load
local null = ngx.null
local select = select
local sort = table.sort
local tostring = tostring
local type = type

local show


local function show_table(t)
    local fields = {}
    for key, value in pairs(t) do
        if type(key) ~= "number" then
            fields[#fields + 1] = key .. " = " .. show(value)
        end
    end
    sort(fields)
    local items = {}
    for i = 1, #t do
        items[i] = show(t[i])
    end
    for i = 1, #fields do
        items[#items + 1] = fields[i]
    end
    return "{" .. concat(items, ", ") .. "}"
end


local function escape(byte)
    return format("\\x%02x", byte:byte())
end


function show(value)
    if value == null then
        return "null"
    elseif type(value) == "string" then
        return '"' .. value:gsub('[%c"\\\127-\255]', escape) .. '"'
    elseif type(value) == "table" then
        return show_table(value)
    end
    return tostring(value)
end


local function say(...)
    local shown = {}
    for i = 1, select("#", ...) do
        shown[i] = show((select(i, ...)))
    end
    ngx.say(concat(shown, " "))
end


ngx.req.read_body()
local snippet, err = load(ngx.req.get_body_data(), "=snippet")
if not snippet then
    ngx.status = ngx.HTTP_BAD_REQUEST
    ngx.say(err)
    return ngx.exit(ngx.status)
end
return snippet(say)
