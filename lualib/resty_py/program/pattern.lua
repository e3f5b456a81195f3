-- Regular expressions of a configuration.
--
--   compile(given)           {re = …} of {pattern, caseless, file, line}; an
--                            error where PCRE refuses it
--   match(pattern, r, text)  whether it matches; then its captures are the
--                            request's, and its named ones variables
--
-- Follows ngx_http_regex_compile and ngx_http_regex_exec.

local regex = require "resty_py.regex"

local error = error
local format = string.format
local sub = string.sub

local _M = {}


local function fail(given, text)
    error(format("%s in %s:%d", text, given.file, given.line), 0)
end


function _M.compile(given)
    if not regex.available then
        fail(given, 'the regex "' .. given.pattern .. '" needs PCRE2: '
             .. regex.missing)
    end
    local letters = given.caseless and "ji" or "j"
    local re, err = regex.compile(given.pattern, letters)
    if not re then
        fail(given, err)
    end
    return {re = re, pattern = given.pattern,
            named = #re.names > 0 and re.names or nil}
end


local function group(re, subject, number)
    local from, to = regex.span(re, number)
    return from >= 0 and sub(subject, from + 1, to) or ""
end


local function keep_named(r, pattern, subject)
    local names = pattern.named
    local vars = r.vars or {}
    r.vars = vars
    for i = 1, #names, 2 do
        vars[names[i]] = group(pattern.re, subject, names[i + 1])
    end
end


local function keep(r, pattern, subject, count)
    local captures = {[0] = group(pattern.re, subject, 0)}
    for i = 1, count - 1 do
        captures[i] = group(pattern.re, subject, i)
    end
    r.captures = captures
    if pattern.named then
        keep_named(r, pattern, subject)
    end
end


function _M.match(pattern, r, subject)
    local count, err = regex.match(pattern.re, subject, 0)
    if count then
        keep(r, pattern, subject, count)
        return true
    elseif err then
        error(format('regex "%s" failed: %s', pattern.pattern, err), 0)
    end
    return false
end


-- Whether it matches; nothing is kept.
function _M.test(pattern, subject)
    return regex.match(pattern.re, subject, 0) ~= nil
end


return _M
