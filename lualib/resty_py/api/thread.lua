-- ngx.thread: spawn, wait, kill; and the coroutine library of handlers.

local coroutines = require "resty_py.scheduler.coroutine"
local uthread = require "resty_py.scheduler.uthread"

local _M = {}


function _M.install(ngx)
    ngx.thread = {spawn = uthread.spawn, wait = uthread.wait,
                  kill = uthread.kill}
    coroutines.install()
end


return _M
