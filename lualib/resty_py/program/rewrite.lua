-- The rewrite directive.
--
--   compile(given)   a step of a script (script.lua)
--   test(r, regex, text)   whether a script's regular expression matches
--   STOP             what a step returns where the script is over
--
-- Rules:
--
-- 1. Captures are escaped where they go into arguments or a redirect, if the
--    client had escaped something in its URI.
-- 2. A "?" of the replacement's own text begins new arguments, to which those
--    of the request are added unless the replacement ended with "?".
-- 3. A URI that was rewritten is looked up anew, unless the flag is "break".
--
-- Follows ngx_http_script_regex_start_code and ngx_http_script_regex_end_code.

local escape_args = require "resty_py.http.uri".escape_args
local log = require "resty_py.log"
local pattern = require "resty_py.program.pattern"
local redirection = require "resty_py.http.redirection"
local variables = require "resty_py.request.variables"

local char = string.char
local concat = table.concat
local find = string.find
local format = string.format
local gsub = string.gsub
local match = pattern.match
local sub = string.sub
local tonumber = tonumber
local type = type

local INTERNAL_SERVER_ERROR = 500

local STOP = {}

local _M = {STOP = STOP}


-- The text of a replacement -------------------------------------------------


-- Whether the client escaped anything in its URI: quoted_uri, plus_in_uri.
local function is_quoted(r)
    local path = gsub(r.head.line.request_uri, "%?.*", "")
    return find(path, "[%%+]") ~= nil
end


-- One part of a replacement. `in_args` says whether a "?" came before it.
local function part_text(r, part, in_args, redirects)
    local kind = type(part)
    if kind == "string" then
        return part
    elseif kind == "table" then
        return variables.get(r, part.name) or ""
    end
    local text = r.captures and r.captures[part] or ""
    if (in_args or redirects) and is_quoted(r) then
        return escape_args(text)
    end
    return text
end


-- Returns what a replacement becomes, and where in it its arguments begin.
local function replace(r, parts, redirects)
    local texts, length, args_at = {}, 0, nil
    for i = 1, #parts do
        local part = parts[i]
        local text = part_text(r, part, args_at ~= nil, redirects)
        texts[i] = text
        local mark = not args_at and type(part) == "string"
            and find(text, "?", 1, true)
        if mark then
            args_at = length + mark + 1
        end
        length = length + #text
    end
    return concat(texts), args_at
end


-- Visible characters behind "%" need no escape in a redirect.
local function unescape_byte(hex)
    local code = tonumber(hex, 16)
    return code > 0x25 and code < 0x7f and char(code) or nil
end


-- NGX_UNESCAPE_REDIRECT: what comes before the arguments. An escaped "?"
-- begins them as well.
local function unescape(text)
    local mark = find(text, "?", 1, true) or #text + 1
    local escaped, behind = find(text, "%%3[Ff]")
    if escaped and escaped < mark then
        text = sub(text, 1, escaped - 1) .. "?" .. sub(text, behind + 1)
        mark = escaped
    end
    return gsub(sub(text, 1, mark - 1), "%%(%x%x)", unescape_byte)
        .. sub(text, mark)
end


-- Rewriting -----------------------------------------------------------------


-- Where rewrite_log is on: an `if` has no say in what is logged of itself.
local function log_rewrite(r, text)
    if r.logs_rewrites then
        log.request(r, log.NOTICE, text)
    end
end


local function redirect(r, given)
    local text, args_at = replace(r, given.replacement, true)
    text = unescape(text)
    if given.keep_args and r.args and r.args ~= "" then
        text = text .. (args_at and "&" or "?") .. r.args
    end
    log_rewrite(r, format('rewritten redirect: "%s"', log.escape(text)))
    redirection.set(r, text)
    return given.status
end


local function new_args(r, given, args)
    if not args then
        return r.args and (given.keep_args and r.args or "")
    elseif given.keep_args and r.args and r.args ~= "" then
        return args .. "&" .. r.args
    end
    return args
end


local function rewrite(r, given)
    local text, args_at = replace(r, given.replacement, false)
    local args = args_at and sub(text, args_at)
    r.internal = true
    if given.flag == "break" then
        r.uri_changed, r.uri_rewritten = false, true
    else
        r.uri_changed = true
    end
    r.args = new_args(r, given, args)
    r.uri = args_at and sub(text, 1, args_at - 2) or text
    log_rewrite(r, format('rewritten data: "%s", args: "%s"',
                          log.escape(r.uri), log.escape(r.args or "")))
    if r.uri == "" then
        log.request(r, log.ERR, "the rewritten URI has a zero length")
        return INTERNAL_SERVER_ERROR
    end
    return given.flag ~= "" and STOP or nil
end


-- Returns whether a regular expression matches; its captures are set.
function _M.test(r, regex, text)
    local found = match(regex, r, text)
    if r.logs_rewrites then
        log.request(r, log.NOTICE, format(
            '"%s" %s "%s"', regex.pattern,
            found and "matches" or "does not match", log.escape(text)))
    end
    if not found then
        r.captures = nil
    end
    return found
end


local test = _M.test


function _M.compile(given)
    local regex = pattern.compile(given.regex)
    local act = given.status ~= 0 and redirect or rewrite
    return function(r)
        if test(r, regex, r.uri) then
            return act(r, given)
        end
    end
end


return _M
