-- Time, as the worker sees it: the loop's time, refreshed once a turn.
--
--   clock.mono       seconds of Trio's clock: deadlines count in it
--   clock.wall       seconds since the epoch, for ngx.now and the logs
--   clock.refresh()  reads both anew (ngx.update_time)
--
-- Trio's clock decides, so that a virtual one moves both. Where it is the
-- system's, LuaJIT reads CLOCK_MONOTONIC itself: native.clock.offset() is
-- then Trio's time minus that clock's, and nil under any other clock.

local native = require "resty_py.native"

local now = native.clock.now

local _M = {mono = 0, wall = 0}


local function refresh_by_host()
    _M.mono, _M.wall = now()
end


local function refresh_by_ffi(ffi, offset)
    ffi.cdef [[
    typedef struct { long sec; long nsec; } resty_py_timespec;
    int resty_py_clock_gettime(int, resty_py_timespec *)
        __asm__("clock_gettime");
    ]]
    local C = ffi.C
    local tonumber = tonumber
    local spec = ffi.new("resty_py_timespec")
    local CLOCK_REALTIME, CLOCK_MONOTONIC = 0, 1

    local function read(id)
        C.resty_py_clock_gettime(id, spec)
        return tonumber(spec.sec) + tonumber(spec.nsec) * 1e-9
    end

    return function()
        _M.mono = read(CLOCK_MONOTONIC) + offset
        _M.wall = read(CLOCK_REALTIME)
    end
end


local has_ffi, ffi = pcall(require, "ffi")
local offset = has_ffi and native.clock.offset()

_M.refresh = offset and refresh_by_ffi(ffi, offset) or refresh_by_host
_M.refresh()

return _M
