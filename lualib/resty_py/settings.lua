-- Settings of a server, under nginx's names, sizes in bytes and times in
-- seconds.
--
--   main          those that hold where no server's do (timers made outside
--                 any request); set by the first define()
--   define(given) a settings table from what the configuration gives

local head = require "resty_py.http.head"
local native = require "resty_py.native"
local version = require "resty_py.version"

local pairs = pairs

-- Unsent output at which a light thread that waited may print on: half a
-- client's share of memory (downstream.PENDING_MAX).
local OUTPUT_LOW_WATER = 524288

local _M = {main = nil}


local function head_limits(given)
    return head.limits {
        header_buffer = given.client_header_buffer_size,
        large_buffer = given.large_client_header_buffers_size,
        large_count = given.large_client_header_buffers_count,
        underscores = given.underscores_in_headers,
        merge_slashes = given.merge_slashes,
        ignore_invalid = given.ignore_invalid_headers,
    }
end


-- given: name -> value, as resty_py/conf/program.py makes them
function _M.define(given)
    local settings = {}
    for name, value in pairs(given) do
        settings[name] = value
    end
    settings.head_limits = head_limits(given)
    settings.output_low_water = OUTPUT_LOW_WATER
    local product = given.product or "nginx/" .. version.nginx
    settings.product = given.server_tokens and product
        or product:match("^[^/]+")
    settings.error_level = native.log.level(given.error_log_id)
    _M.main = _M.main or settings
    return settings
end


return _M
