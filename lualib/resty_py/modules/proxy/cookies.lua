-- proxy_cookie_domain, proxy_cookie_path and proxy_cookie_flags: what becomes
-- of an upstream's Set-Cookie.
--
--   compile(settings)   f(r, u, value) -> what takes the place of a value; nil
--                       where they are off
--
-- Rules:
--
-- 1. A cookie is its attributes, parted by ";": the first is its name and
--    value. One that is no name=value is left alone.
-- 2. What nothing changes stays as it is; what is changed is put together
--    anew, with "; " between attributes.
-- 3. A domain is compared without case and without its leading dot, which it
--    keeps.
-- 4. The first flags that are for a cookie of that name are its flags; names
--    compare without case. Flags that nobody knows are none.
--
-- Follows ngx_http_proxy_rewrite_cookie.

local pattern = require "resty_py.program.pattern"
local rewrites = require "resty_py.modules.proxy.rewrites"
local template = require "resty_py.program.template"

local concat = table.concat
local find = string.find
local gmatch = string.gmatch
local ipairs = ipairs
local lower = string.lower
local match = string.match

-- Flags that an attribute may have, in the order in which they compete for one
-- and in which they are added. One with a value gives it to an attribute that
-- is there.
local FLAGS = {
    {key = "secure", flag = "secure", name = "Secure"},
    {key = "httponly", flag = "httponly", name = "HttpOnly"},
    {key = "samesite", flag = "samesite=strict", name = "SameSite",
     value = "Strict"},
    {key = "samesite", flag = "samesite=lax", name = "SameSite",
     value = "Lax"},
    {key = "samesite", flag = "samesite=none", name = "SameSite",
     value = "None"},
}

-- Those that take an attribute away, by its key.
local OPPOSITES = {secure = "nosecure", httponly = "nohttponly",
                   samesite = "nosamesite"}

local KNOWN = {}
for _, known in ipairs(FLAGS) do
    KNOWN[known.flag] = true
    KNOWN[OPPOSITES[known.key]] = true
end

local _M = {}


-- Cookies --------------------------------------------------------------------


-- Returns text without spaces around it.
local function trim(text)
    local first = find(text, "[^ ]")
    return first and match(text, "^.*[^ ]", first) or ""
end


-- Returns an array of attributes: {name, key, value}; key in lower case, value
-- nil where there is none.
local function parse(text)
    local attributes = {}
    for piece in gmatch(text .. ";", "([^;]*);") do
        local name, value = match(piece, "^([^=]*)=(.*)$")
        name = trim(name or piece)
        attributes[#attributes + 1] = {name = name, key = lower(name),
                                       value = value and trim(value)}
    end
    return attributes
end


local function join(attributes)
    local pieces = {}
    for i, attribute in ipairs(attributes) do
        local value = attribute.value
        pieces[i] = value and attribute.name .. "=" .. value or attribute.name
    end
    return concat(pieces, "; ")
end


-- Domain and path ------------------------------------------------------------


local function domain(given)
    local name = template.compile(given.pattern)
    local replacement = template.compile(given.replacement)
    return function(r, _, text)
        local dot, rest = match(text, "^(%.?)(.*)$")
        if lower(rest) == lower(name(r)) then
            return dot .. replacement(r)
        end
    end
end


-- Returns an array of rules (rewrites.lua), or nil.
local function rules_of(given, pair)
    local rules = {}
    for i, each in ipairs(given) do
        rules[i] = each.kind == "regex" and rewrites.regex(each) or pair(each)
    end
    return #rules > 0 and rules or nil
end


-- Returns whether an attribute has changed.
local function rewrite_values(rules, r, u, attributes)
    local has_changed = false
    for i = 2, #attributes do
        local attribute = attributes[i]
        local of_key = attribute.value and rules[attribute.key]
        local found = of_key and rewrites.apply(of_key, r, u, attribute.value)
        if found then
            attribute.value, has_changed = found, true
        end
    end
    return has_changed
end


-- Flags ----------------------------------------------------------------------


local function compile_flags(given)
    local rules = {}
    for i, each in ipairs(given) do
        local flags = {}
        for j, flag in ipairs(each.flags) do
            flags[j] = template.compile(flag)
        end
        rules[i] = {name = each.name and template.compile(each.name),
                    regex = each.regex and pattern.compile(each.regex),
                    flags = flags}
    end
    return #rules > 0 and rules or nil
end


local function is_for(rule, r, name)
    if rule.regex then
        return pattern.match(rule.regex, r, name)
    end
    return lower(rule.name(r)) == lower(name)
end


-- Returns the set of flags that a rule gives, in lower case; nil for none that
-- is known.
local function flags_of(rule, r)
    local flags
    for _, flag in ipairs(rule.flags) do
        local text = lower(flag(r))
        if KNOWN[text] then
            flags = flags or {}
            flags[text] = true
        end
    end
    return flags
end


-- Returns the first of FLAGS among those that are given and for a key.
local function first_for(key, flags)
    for _, known in ipairs(FLAGS) do
        if known.key == key and flags[known.flag] then
            return known
        end
    end
end


local function assign(attribute, known)
    local value = known.value
    if value and lower(attribute.value or "") ~= lower(value) then
        attribute.name, attribute.value = known.name, value
    end
end


-- A flag that is there already is used up.
local function mend(attributes, flags)
    local kept = {attributes[1]}
    for i = 2, #attributes do
        local attribute = attributes[i]
        local known = first_for(attribute.key, flags)
        if known then
            flags[known.flag] = nil
            assign(attribute, known)
        end
        if known or not flags[OPPOSITES[attribute.key]] then
            kept[#kept + 1] = attribute
        end
    end
    return kept
end


-- Adds what is left of flags, one for each key.
local function add_missing(attributes, flags)
    local key
    for _, known in ipairs(FLAGS) do
        if flags[known.flag] and known.key ~= key then
            key = known.key
            attributes[#attributes + 1] = known
        end
    end
    return attributes
end


-- Returns the attributes with the flags that are for the cookie | nil: there
-- are none.
local function with_flags(rules, r, attributes)
    for i = 1, #rules do
        if is_for(rules[i], r, attributes[1].name) then
            local flags = flags_of(rules[i], r)
            return flags and add_missing(mend(attributes, flags), flags)
        end
    end
end


-- Interface ------------------------------------------------------------------


function _M.compile(settings)
    local rules = {
        domain = rules_of(settings.proxy_cookie_domain, domain),
        path = rules_of(settings.proxy_cookie_path, rewrites.prefix),
    }
    local flags = compile_flags(settings.proxy_cookie_flags)
    if not (rules.domain or rules.path or flags) then
        return nil
    end
    return function(r, u, value)
        local attributes = parse(value)
        if not attributes[1].value then
            return value
        end
        local has_changed = rewrite_values(rules, r, u, attributes)
        local flagged = flags and with_flags(flags, r, attributes)
        return (has_changed or flagged) and join(flagged or attributes)
            or value
    end
end


return _M
