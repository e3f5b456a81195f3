-- System calls on descriptors as host functions: the portable half of
-- resty_py.sys (see init.lua there), for flavours without FFI. The Python
-- side is resty_py/host/sys.py.

local native = require "resty_py.native"


return function()
    local sys = native.sys
    local next_event = sys.next_event
    local wait = sys.wait

    local _M = {
        recv = sys.recv,
        peek = sys.peek,
        send = sys.send,
        accept = sys.accept,
        register = sys.register,
        close = sys.close,
        shutdown_write = sys.shutdown_write,
    }


    function _M.poll(dispatch)
        local n = wait()
        for _ = 1, n do
            dispatch(next_event())
        end
        return n
    end


    return _M
end
