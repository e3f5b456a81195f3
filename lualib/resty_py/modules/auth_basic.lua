-- The auth_basic module: who has a password may come in.
--
--   prepare(settings)   readies a location's settings
--   check(r)            OK, the code that the request ends with, or nil where
--                       nothing is asked
--
-- The file is read for each request, as nginx reads it; that and the digests
-- are the host's (resty_py/host/passwords.py).
--
-- Follows ngx_http_auth_basic_module.c.

local credentials = require "resty_py.request.credentials"
local headers_of = require "resty_py.http.header_list".of
local log = require "resty_py.log"
local passwords = require "resty_py.native".passwords
local template = require "resty_py.program.template"

local escape = log.path
local failed_call = log.failed_call
local file_error = require "resty_py.static.files".failed
local find = passwords.find
local format = string.format
local matches = passwords.matches
local sub = string.sub

local OK = 0
local UNAUTHORIZED, FORBIDDEN, INTERNAL_SERVER_ERROR = 401, 403, 500
local ENOENT = 2

local _M = {}


-- f(r): the path of a file that may be relative.
local function compile_path(given)
    local path_of, prefix = template.compile(given.path), given.prefix
    return function(r)
        local path = path_of(r)
        return sub(path, 1, 1) == "/" and path or prefix .. path
    end
end


function _M.prepare(settings)
    local realm, file = settings.auth_basic, settings.auth_basic_user_file
    if realm and file and template.constant(realm) ~= "off" then
        settings.auth_basic = template.compile(realm)
        settings.auth_basic_user_file = compile_path(file)
    else
        settings.auth_basic = nil
    end
end


local function challenge(r, realm)
    headers_of(r):add("WWW-Authenticate", 'Basic realm="' .. realm .. '"',
                      "www-authenticate")
    return UNAUTHORIZED
end


local function file_failed(r, path, err, code, call)
    local is_missing = code == ENOENT
    log.request(r, is_missing and log.ERR or log.CRIT,
                file_error(path, err, code, call))
    return is_missing and FORBIDDEN or INTERNAL_SERVER_ERROR
end


local function crypt_failed(r, err, code)
    log.request(r, log.CRIT, code and failed_call("crypt_r", err, code)
                or err)
    return INTERNAL_SERVER_ERROR
end


-- The code for a password that is in the file, or not.
local function compare(r, realm, user, password, stored)
    local same, err, code = matches(password, stored)
    if same then
        return OK
    elseif same == nil then
        return crypt_failed(r, err, code)
    end
    log.request(r, log.ERR, format('user "%s": password mismatch',
                                   escape(user)))
    return challenge(r, realm)
end


function _M.check(r)
    local settings = r.settings
    local realm = settings.auth_basic(r)
    if realm == "off" then
        return nil
    end
    local user, password = credentials(r)
    if not user then
        log.request(r, log.INFO,
                    "no user/password was provided for basic authentication")
        return challenge(r, realm)
    end
    local path = settings.auth_basic_user_file(r)
    local stored, err, code, call = find(path, user)
    if stored then
        return compare(r, realm, user, password, stored)
    elseif stored == nil then
        return file_failed(r, path, err, code, call)
    end
    log.request(r, log.ERR, format('user "%s" was not found in "%s"',
                                   escape(user), escape(path)))
    return challenge(r, realm)
end


return _M
