-- The access log: one line a request and log.
--
--   define(formats)   those of log_format, by name: {escape, text}
--   compile(given)    the logs of a location: array of {format, condition,
--                     id | path}; nil where there is none
--   write(r)          writes the lines of a request that has ended
--
-- Rules:
--
-- 1. A format is an array of texts and variables. A variable without a value
--    is "-", or nothing where the escaping is not "default".
-- 2. What the client sent is escaped: \xXX for "default", as in JSON strings
--    for "json".
-- 3. A log is left out where its condition is "" or "0".
-- 4. Where the path of a log has variables, nothing is written for a request
--    whose root directory is not there.
--
-- Follows ngx_http_log_module.c.

local clock = require "resty_py.clock"
local address = require "resty_py.net.address"
local head_get = require "resty_py.http.head".get
local httptime = require "resty_py.codec.httptime"
local log = require "resty_py.log"
local native = require "resty_py.native"
local template = require "resty_py.program.template"
local variables = require "resty_py.request.variables"

local are_plain = require "resty_py.http.octets".are_plain

local access_stamp = httptime.access_stamp
local bytes_sent = variables.bytes_sent
local byte = string.byte
local concat = table.concat
local escape = log.escape
local examine = require "resty_py.static.files".examine
local find = string.find
local format = string.format
local get = variables.get
local gsub = string.gsub
local ipairs = ipairs
local map = require "resty_py.static.path".map
local max = math.max
local pairs = pairs
local sub = string.sub
local type = type

local NOT_DIRECTORY = 20

local formats = {}

local _M = {}


-- Formats --------------------------------------------------------------------


-- The format that every server has, put together by hand.


local function header(r, name)
    local value = head_get(r.head, name)
    return value and escape(value) or "-"
end


local function user(r)
    local name = get(r, "remote_user")
    return name and name ~= "" and escape(name) or "-"
end


local function combined(r)
    local line = escape(r.head.request_line)
    local size = max(0, bytes_sent(r) - r.head_size)
    return address.text(r.downstream.address) .. " - " .. user(r) .. " ["
        .. access_stamp(clock.wall) .. '] "' .. line .. '" '
        .. get(r, "status") .. " " .. size .. ' "'
        .. header(r, "referer") .. '" "' .. header(r, "user-agent") .. '"\n'
end


local JSON = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r",
              ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f"}


local function escape_json_byte(char)
    return JSON[char] or format("\\u%04X", byte(char))
end


local function escape_json(text)
    if are_plain(text) then
        return text
    end
    return (gsub(text, '[%z\1-\31"\\]', escape_json_byte))
end


local function unchanged(text)
    return text
end


local ESCAPES = {default = {escape, "-"}, json = {escape_json, ""},
                 none = {unchanged, ""}}


local function compile_format(given)
    local escaping = ESCAPES[given.escape]
    local escape_value, absent = escaping[1], escaping[2]
    local parts = given.text
    local n = #parts
    return function(r)
        local line = {}
        for i = 1, n do
            local part = parts[i]
            if type(part) == "table" then
                local value = get(r, part.name)
                part = value and escape_value(value) or absent
            end
            line[i] = part
        end
        line[n + 1] = "\n"
        return concat(line)
    end
end


function _M.define(given)
    for name, each in pairs(given) do
        formats[name] = name ~= "combined" and compile_format(each) or nil
    end
end


-- Logs -----------------------------------------------------------------------


local function to_file(id)
    local write = native.access.write
    return function(_, line)
        return write(id, line)
    end
end


local function has_root(r)
    local name, size = map(r)
    if not name then
        return false
    end
    local root = sub(name, 1, size)
    local kind, err, code = examine(r, root)
    if kind == "directory" then
        return true
    end
    log.request(r, log.ERR, format('testing "%s" existence failed (%d: %s)',
                                   root, kind and NOT_DIRECTORY or code,
                                   kind and "Not a directory" or err))
    return false
end


local function to_path(parts)
    local path, write = template.compile(parts), native.access.write_path
    return function(r, line)
        local name = path(r)
        if find(name, "%z") or not has_root(r) then
            return
        end
        local ok, failure = write(name, line)
        if not ok then
            log.request(r, log.CRIT, failure)
        end
    end
end


local function compile_log(given)
    return {
        line = formats[given.format] or combined,
        write = given.path and to_path(given.path) or to_file(given.id),
        condition = given.condition and template.compile(given.condition),
    }
end


function _M.compile(given)
    local logs = {}
    for i, each in ipairs(given) do
        logs[i] = compile_log(each)
    end
    return #logs > 0 and logs or nil
end


local function is_wanted(one, r)
    local condition = one.condition
    if not condition then
        return true
    end
    local value = condition(r)
    return value ~= "" and value ~= "0"
end


function _M.write(r)
    local logs = r.settings.access_logs
    for i = 1, #logs do
        local one = logs[i]
        if is_wanted(one, r) then
            one.write(r, one.line(r))
        end
    end
end


return _M
