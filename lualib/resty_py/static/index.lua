-- The index of a directory: a URI that ends with a slash becomes that of the
-- first index file there is, by an internal redirect.
--
--   serve(r)   leaves for the index | nil, there is none | a status code
--
-- An index that begins with a slash is gone to unseen. What is wrong with the
-- directory is told by its first index file that is missing.
--
-- settings.index, compiled (init.lua): array of texts, and of f(r) -> text
-- where there are variables.
--
-- Follows ngx_http_index_module.c.

local files = require "resty_py.static.files"
local log = require "resty_py.log"
local path = require "resty_py.static.path"
local redirect = require "resty_py.request.redirect"

local byte = string.byte
local examine = files.examine
local failed = files.failed
local format = string.format
local map = path.map
local sub = string.sub
local type = type

local SLASH = byte("/")

local FORBIDDEN_LINK = {[files.ELOOP] = true, [files.EMLINK] = true}
-- What an index file cannot be behind.
local NO_WAY = {[files.ENOTDIR] = true, [files.ENAMETOOLONG] = true,
                [files.EACCES] = true}

local _M = {}


local function refuse(r, file, err, code)
    local what = code == files.EACCES and "forbidden" or "not found"
    if code == files.EACCES or r.settings.log_not_found then
        log.request(r, log.ERR, format('"%s" is %s (%d: %s)', log.path(file),
                                       what, code, err))
    end
    return code == files.EACCES and 403 or 404
end


-- The directory without the slash at its end, unless there is only that.
local function bare(directory)
    if byte(directory, -1) == SLASH and #directory > 1 then
        return sub(directory, 1, -2)
    end
    return directory
end


-- Returns nil where there is a directory, or a status code.
--   file   the index file in it, for the log
local function test_directory(r, directory, file)
    directory = bare(directory)
    local kind, err, code, call = examine(r, directory)
    if kind == "directory" then
        return
    elseif kind then
        log.request(r, log.ALERT, format('"%s" is not a directory', file))
        return 500
    elseif FORBIDDEN_LINK[code] then
        return 403
    elseif code == files.ENOENT then
        return refuse(r, file, err, code)
    elseif code ~= files.EACCES then
        log.request(r, log.CRIT, failed(directory, err, code, call))
        return 500
    end
end


-- Returns whether the file is there | nil, a status code.
--   tested   whether the directory is known to be one
local function find_file(r, directory, name, tested)
    local file = directory .. name
    local kind, err, code, call = examine(r, file)
    if kind then
        return true
    elseif FORBIDDEN_LINK[code] then
        return nil, 403
    elseif NO_WAY[code] then
        return nil, refuse(r, file, err, code)
    end
    local refusal = not tested and test_directory(r, directory, file)
    if refusal then
        return nil, refusal
    elseif code == files.ENOENT then
        return false
    end
    log.request(r, log.CRIT, failed(file, err, code, call))
    return nil, 500
end


function _M.serve(r)
    local index = r.settings.index
    local directory
    for i = 1, #index do
        local name = index[i]
        if type(name) ~= "string" then
            name = name(r)
        end
        if byte(name) == SLASH then
            return redirect.leave_to(name, r.args)
        end
        local tested = directory
        directory = directory or map(r)
        if not directory then
            return 500
        end
        local found, code = find_file(r, directory, name, tested)
        if found then
            return redirect.leave_to(r.uri .. name, r.args)
        elseif code then
            return code
        end
    end
end


return _M
