-- Texts of a configuration with variables in them: nginx's complex values.
--
--   compile(parts)    f(r) -> string; a variable without a value is ""
--   constant(parts)   the text where nothing is to be filled in, or nil
--
-- parts: array of strings (texts), {name = …} (variables) and numbers
-- (captures), as resty_py/conf/program.py makes them.
--
-- Follows ngx_http_complex_value.

local variables = require "resty_py.request.variables"

local concat = table.concat
local get = variables.get
local type = type

local _M = {}


function _M.constant(parts)
    if #parts == 0 then
        return ""
    end
    return #parts == 1 and type(parts[1]) == "string" and parts[1] or nil
end


local function text(value)
    return function()
        return value
    end
end


local function capture(number)
    return function(r)
        local captures = r.captures
        return captures and captures[number] or ""
    end
end


local function variable(name)
    return function(r)
        return get(r, name) or ""
    end
end


local function compile_part(part)
    local kind = type(part)
    if kind == "string" then
        return text(part)
    elseif kind == "number" then
        return capture(part)
    end
    return variable(part.name)
end


local function pair(first, second)
    return function(r)
        return first(r) .. second(r)
    end
end


local function several(getters)
    local n = #getters
    return function(r)
        local texts = {}
        for i = 1, n do
            texts[i] = getters[i](r)
        end
        return concat(texts, "", 1, n)
    end
end


function _M.compile(parts)
    local constant = _M.constant(parts)
    if constant then
        return text(constant)
    end
    local getters = {}
    for i = 1, #parts do
        getters[i] = compile_part(parts[i])
    end
    if #getters == 1 then
        return getters[1]
    elseif #getters == 2 then
        return pair(getters[1], getters[2])
    end
    return several(getters)
end


return _M
