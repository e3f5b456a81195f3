-- nginx's variables.
--
--   get(r, name)          the value of $name, a string, or nil
--   set(r, name, value)   true | nil, what OpenResty says
--   define(name, f)       $name is f(r), a string or nil, and can be set
--   define_fixed(name, f)   the same, but it cannot be set
--   declare(name, is_captured)
--                         $name can be set; "" until it is, with a warning, or
--                         without a value where a regular expression sets it
--   index(name)           the configuration names $name
--   keeping(name, f)      f, whose value for $name is kept for the request
--   keep(names)           these change, but are kept where it names them
--   bytes_sent(r)         how much of a response the kernel has taken
--
-- Where a name is looked up, in this order:
--
-- 1. r.vars: what was set or kept for the request, name -> value, false where
--    it is unset; nil for the whole until something is.
-- 2. BUILTIN: name -> f(r).
-- 3. What the configuration and modules define: name -> f(r).
-- 4. PREFIXES: $http_NAME and the like, f(rest of the name) -> f(r); what it
--    gives is kept by name.
--
-- Names are in lower case; any case is taken. Numbers are captures: r.captures.
--
-- Follows ngx_http_variables.c and ngx_http_lua_variable.c.

local builtin = require "resty_py.request.builtin_variables"
local log = require "resty_py.log"
local memo = require "resty_py.http.memo"
local module_variables = require "resty_py.request.module_variables"
local parse_size = require "resty_py.codec.size".parse

local find = string.find
local format = string.format
local ipairs = ipairs
local lower = string.lower
local sub = string.sub

local BUILTIN = builtin.getters
local PREFIXES = builtin.prefixes
local changeable = builtin.changeable

-- Names of prefixed variables kept per generation.
local NAMES = 512

local _M = {bytes_sent = builtin.bytes_sent}


local function unknown()
    return nil
end


local known = memo.new(NAMES)
local defined, declared, indexed = {}, {}, {}


local function from_prefix(name)
    for _, prefix in ipairs(PREFIXES) do
        local start, make = prefix[1], prefix[2]
        if find(name, start, 1, true) == 1 then
            return make(sub(name, #start + 1))
        end
    end
end


-- Names in any case of letters are those in lower case.
local function resolve(given)
    local name = lower(given)
    if name ~= given then
        return function(r)
            return _M.get(r, name)
        end
    end
    return BUILTIN[name] or defined[name] or from_prefix(name) or unknown
end


-- Access --------------------------------------------------------------------


local function find_getter(name)
    return memo.recall(known, name)
        or memo.store(known, name, resolve(name))
end


-- Returns the value of a variable: a string, or nil where it has none.
function _M.get(r, name)
    local vars = r.vars
    if vars then
        local value = vars[name]
        if value ~= nil then
            return value or nil
        end
    end
    local getter = BUILTIN[name] or known.young[name] or find_getter(name)
    return getter(r)
end


function _M.define(name, getter)
    defined[name] = getter
    declared[name] = true
end


function _M.define_fixed(name, getter)
    BUILTIN[name] = getter
end


-- Variables that may change while a request is served, but are kept as they
-- were found first: those without NGX_HTTP_VAR_NOCACHEABLE.
local KEPT = {host = true, content_type = true, content_length = true,
              remote_user = true, request_body = true,
              request_completion = true, invalid_referer = true,
              secure_link = true, secure_link_expires = true}
local KEPT_PREFIXES = {"^http_", "^cookie_", "^sent_http_"}


local function is_kept(name)
    for _, prefix in ipairs(KEPT_PREFIXES) do
        if find(name, prefix) then
            return true
        end
    end
    return KEPT[name] or false
end


local function keeping(name, getter)
    return function(r)
        local value = getter(r)
        local vars = r.vars or {}
        r.vars = vars
        vars[name] = value or false
        return value
    end
end


_M.keeping = keeping


-- Tells that the configuration names a variable: ngx_http_get_variable_index.
function _M.index(name)
    if changeable[name] then
        declared[name] = true
    end
    if not is_kept(name) then
        indexed[name] = true
    elseif BUILTIN[name] then
        BUILTIN[name] = keeping(name, BUILTIN[name])
    else
        defined[name] = keeping(name, resolve(name))
    end
end


-- names: built-in variables that change after all, and are kept where the
-- configuration names them.
function _M.keep(names)
    for _, name in ipairs(names) do
        if indexed[name] then
            indexed[name] = nil
            BUILTIN[name] = keeping(name, BUILTIN[name])
        end
    end
end


-- What a variable is that nothing has set.
local function unset(name)
    return function(r)
        local vars = r.vars or {}
        r.vars = vars
        vars[name] = ""
        if r.settings.uninitialized_variable_warn then
            log.request(r, log.WARN, format('using uninitialized "%s" variable',
                                            name))
        end
        return ""
    end
end


-- is_captured: a regular expression gives it a value, where it matches.
function _M.declare(name, is_captured)
    if changeable[name] then
        declared[name] = true
    elseif not BUILTIN[name] then
        _M.define(name, is_captured and unknown or from_prefix(name)
                  or unset(name))
    end
end


-- Returns what a regular expression of the configuration captured, or nil.
function _M.capture(r, index)
    local captures = r.captures
    return captures and index > 0 and captures[index] or nil
end


local SETTERS = {
    args = function(r, value)
        r.args = value
        return true
    end,
    limit_rate = function(r, value)
        local size = parse_size(value or "")
        if size then
            r.limit_rate = size
        else
            log.request(r, log.ERR, format('invalid $limit_rate "%s"',
                                           value or ""))
        end
        return true
    end,
}


-- value: string, or nil for none.
-- Returns true | nil, err.
function _M.set(r, name, value)
    if declared[name] then
        local vars = r.vars or {}
        r.vars = vars
        vars[name] = value or false
        return true
    elseif SETTERS[name] then
        return SETTERS[name](r, value)
    elseif changeable[name] then
        return nil, format('variable "%s" cannot be assigned a value', name)
    elseif BUILTIN[name] or module_variables.fixed[name] then
        return nil, format('variable "%s" not changeable', name)
    end
    return nil, format('variable "%s" not found for writing; maybe it is a '
                       .. "built-in variable that is not changeable or you "
                       .. "forgot to use \"set $%s '';\" in the config file "
                       .. "to define it first", name, name)
end


return _M
