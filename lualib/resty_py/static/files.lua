-- Opening and testing files as a location may: disable_symlinks.
--
--   open(r, path, most)   kind, size, mtime, body; body is a string, or a
--                         descriptor where the file has more than `most`
--                         bytes; nil where nothing is to be read
--   examine(r, path)      kind, whether its owner may run it
--   test(path, r)         the same for `if (-f …)`: what fails is logged, and
--                         there is nothing then; without r no directive is
--                         minded
--   failed(path, err, code, call)   what nginx logs of a failure
--
-- A kind is "file", "directory" or "other"; open() and examine() return nil,
-- err, code, call where the system call fails.
--
-- settings.disable_symlinks, compiled (init.lua): nil for `off`, else
--
--   policy   "on" or "if_not_owner"
--   from     f(r) -> the beginning of paths that is trusted, or nil
--
-- Follows ngx_open_file_cache.c and ngx_http_set_disable_symlinks.

local calls = require "resty_py.static.calls"
local log = require "resty_py.log"

local byte = string.byte
local format = string.format
local sub = string.sub

local SLASH = byte("/")

local _M = {
    ENOENT = 2, EACCES = 13, ENOTDIR = 20, EMLINK = 31, ENAMETOOLONG = 36,
    ELOOP = 40,
}

-- There is no such file.
local MISSING = {[_M.ENOENT] = true, [_M.ENOTDIR] = true,
                 [_M.ENAMETOOLONG] = true}
_M.MISSING = MISSING


-- Bytes of the path whose links are trusted; nil where all of it is.
local function trusted_size(path, from)
    local size = #from
    if size == 0 or sub(path, 1, size) ~= from then
        return 0
    elseif size == #path then
        return nil
    elseif byte(path, size + 1) == SLASH then
        return size
    end
    return byte(from, -1) == SLASH and size - 1 or 0
end


-- Returns policy and trusted bytes as the calls take them.
local function policy_for(r, path)
    local rule = r and r.settings.disable_symlinks
    if not rule then
        return nil
    end
    local trusted = 0
    if rule.from then
        trusted = trusted_size(path, rule.from(r))
    end
    if trusted then
        return rule.policy, trusted
    end
end


function _M.open(r, path, most)
    local policy, trusted = policy_for(r, path)
    if policy then
        return calls.open(path, most, policy, trusted)
    end
    return calls.open(path, most)
end


local function examine(r, path)
    local policy, trusted = policy_for(r, path)
    if policy then
        return calls.examine(path, policy, trusted)
    end
    return calls.examine(path)
end


local function failed(path, err, code, call)
    return format('%s "%s" failed (%d: %s)', call, log.path(path), code, err)
end


function _M.test(path, r)
    local kind, detail, code, call = examine(r, path)
    if kind then
        return kind, detail
    elseif not MISSING[code] and r then
        log.request(r, log.CRIT, failed(path, detail, code, call))
    end
end


_M.examine = examine
_M.failed = failed

return _M
