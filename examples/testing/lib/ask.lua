-- A client of line-based services: one line is asked, one is answered.
--
-- 1. ask(question, options) returns the answer, or nil and an error.
-- 2. Options left out are those of configure(), which is for init_by_lua.
-- 3. A connection that gave an answer is kept for the next question.

local setmetatable = setmetatable
local find = string.find
local log = ngx.log
local WARN = ngx.WARN
local tcp = ngx.socket.tcp

local _M = { _VERSION = "0.1" }

local defaults = { host = "127.0.0.1", port = 7, timeout = 1000 }


function _M.configure(options)
    for name, value in pairs(options) do
        defaults[name] = value
    end
end


local function connect(options)
    local sock = tcp()
    sock:settimeout(options.timeout)

    local ok, err = sock:connect(options.host, options.port)
    if not ok then
        return nil, "cannot connect: " .. err
    end
    return sock
end


local function exchange(sock, question)
    local sent, err = sock:send(question .. "\n")
    if not sent then
        return nil, "cannot send: " .. err
    end

    local answer
    answer, err = sock:receive("*l")
    if not answer then
        return nil, "no answer: " .. err
    end
    return answer
end


function _M.ask(question, options)
    if find(question, "[\r\n]") then
        return nil, "a question is one line"
    end

    options = setmetatable(options or {}, { __index = defaults })
    local sock, err = connect(options)
    if not sock then
        return nil, err
    end

    local answer
    answer, err = exchange(sock, question)
    if not answer then
        log(WARN, "asked ", question, ": ", err)
        sock:close()
        return nil, err
    end

    sock:setkeepalive(10000, 4)
    return answer
end


return _M
