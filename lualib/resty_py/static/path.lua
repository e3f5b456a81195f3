-- Where in the file system a URI is: root and alias.
--
--   map(r)               the path of r.uri and how many bytes of it are the
--                        root; nil where it has none: the reason is logged
--   document_root(r)     $document_root
--   realpath_root(r)     $realpath_root, nil where there is no such directory
--   request_filename(r)  $request_filename, nil as map() gives it
--
-- Rules:
--
-- 1. The root goes before the URI; an alias goes before what the URI has
--    behind the prefix of the location that the alias stands in.
-- 2. An alias in a location with a regular expression is the path itself,
--    until try_files has found a file: the URI goes behind it then.
-- 3. What a client sends is decoded and has neither ".." nor a NUL byte left
--    in it, so that no path leads out of the root.
-- 4. An alias is for the URI that chose the location, not for a rewritten one.
--
-- settings.root, compiled (init.lua):
--
--   text   the path, nil where it has variables
--   make   f(r) -> the path, nil where it has none
--   alias  nil for root, else bytes of the prefix that it takes the place of
--   whole  true for the alias of a regular expression
--
-- Follows ngx_http_map_uri_to_path and ngx_http_variables.c.

local calls = require "resty_py.static.calls"
local log = require "resty_py.log"
local native = require "resty_py.native"

local byte = string.byte
local format = string.format
local sub = string.sub

local SLASH = byte("/")

local _M = {}


-- A path relative to the prefix, made absolute.
local function full(path)
    if byte(path) == SLASH then
        return path
    end
    local prefix = native.worker.root()
    if byte(prefix, -1) ~= SLASH then
        prefix = prefix .. "/"
    end
    return prefix .. path
end


local function root_of(r)
    local root = r.settings.root
    return root.text or full(root.make(r)), root
end


function _M.map(r)
    local path, root = root_of(r)
    local alias = root.alias
    if not alias then
        return path .. r.uri, #path
    elseif r.uri_rewritten then
        log.request(r, log.ALERT, '"alias" cannot be used in location "'
                    .. r.location.pattern .. '" where URI was rewritten')
        return nil
    elseif root.whole and not r.add_uri_to_alias then
        return path, #path
    end
    return path .. sub(r.uri, alias + 1), #path
end


function _M.document_root(r)
    return (root_of(r))
end


function _M.realpath_root(r)
    local path = root_of(r)
    local real, err, code, call = calls.realpath(path)
    if not real then
        log.request(r, log.CRIT, format('%s "%s" failed (%d: %s)', call, path,
                                        code, err))
    end
    return real or nil
end


function _M.request_filename(r)
    return (_M.map(r))
end


return _M
