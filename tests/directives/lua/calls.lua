-- Calls of the API, one after the other, and what comes of each: a line that
-- says ok with what it returned, or the error.
--
--   run(path, names)   appends the lines to a file; names: those that are
--                      called, a string; all where there is none

local calls, order = {}, {}


local function define(name, f)
    calls[name] = f
    order[#order + 1] = name
end


local function text(value)
    local kind = type(value)
    if kind == "string" or kind == "number" or kind == "boolean" or value == nil
    then
        return tostring(value)
    end
    return kind
end


local function told(name, ok, ...)
    local texts = {name, ok and "ok" or "error"}
    for i = 1, select("#", ...) do
        texts[#texts + 1] = text((select(i, ...)))
    end
    return table.concat(texts, " ") .. "\n"
end


define("get_phase", function() return ngx.get_phase() end)
define("log", function() ngx.log(ngx.DEBUG, "x") end)
define("print_log", function() print("x") end)
define("now", function() return type(ngx.now()) end)
define("md5", function() return ngx.md5("a") end)
define("escape_uri", function() return ngx.escape_uri("a b") end)
define("re.match", function() return ngx.re.match("abc", "b")[0] end)
define("config.prefix", function() return type(ngx.config.prefix()) end)
define("worker.id", function() return ngx.worker.id() end)
define("worker.count", function() return ngx.worker.count() end)
define("worker.pid", function() return type(ngx.worker.pid()) end)
define("worker.exiting", function() return ngx.worker.exiting() end)
define("ctx.write", function() ngx.ctx.a = 1 end)
define("ctx.read", function() return ngx.ctx.a end)
define("var.read", function() return ngx.var.uri end)
define("var.write", function() ngx.var.settable = 1 end)
define("var.write_fixed", function() ngx.var.uri = "/x" end)
define("status.read", function() return ngx.status end)
define("headers_sent", function() return ngx.headers_sent end)
define("is_subrequest", function() return ngx.is_subrequest end)
define("header.read", function() return ngx.header.x end)
define("header.write", function() ngx.header.x = "y" end)
define("resp.get_headers", function() return ngx.resp.get_headers() end)
define("arg.read", function() return ngx.arg[1] end)
define("arg.write", function() ngx.arg[1] = "z" end)
define("req.get_method", function() return ngx.req.get_method() end)
define("req.set_method", function() ngx.req.set_method(ngx.HTTP_GET) end)
define("req.http_version", function() return ngx.req.http_version() end)
define("req.start_time", function() return type(ngx.req.start_time()) end)
define("req.is_internal", function() return ngx.req.is_internal() end)
define("req.raw_header", function() return #ngx.req.raw_header(true) > 0 end)
define("req.get_headers", function() return ngx.req.get_headers() end)
define("req.set_header", function() ngx.req.set_header("X", "y") end)
define("req.clear_header", function() ngx.req.clear_header("X") end)
define("req.get_uri_args", function() return ngx.req.get_uri_args().q end)
define("req.set_uri_args", function() ngx.req.set_uri_args("q=1") end)
define("req.set_uri", function() ngx.req.set_uri("/other") end)
define("req.set_uri.jump", function() ngx.req.set_uri("/other", true) end)
define("req.read_body", function() return ngx.req.read_body() end)
define("req.get_post_args", function() return ngx.req.get_post_args() end)
define("req.get_body_data", function() return ngx.req.get_body_data() end)
define("req.get_body_file", function() return ngx.req.get_body_file() end)
define("req.set_body_data", function() return ngx.req.set_body_data("b") end)
define("req.set_body_file", function()
    return ngx.req.set_body_file("/none", false)
end)
define("req.init_body", function() return ngx.req.init_body(10) end)
define("req.append_body", function() return ngx.req.append_body("x") end)
define("req.finish_body", function() return ngx.req.finish_body() end)
define("req.discard_body", function() return ngx.req.discard_body() end)
define("req.socket", function() return ngx.req.socket() end)
define("location.capture", function()
    return ngx.location.capture("/sub").status
end)
define("location.capture_multi", function()
    return ngx.location.capture_multi({{"/sub"}}).status
end)
define("sleep", function() return ngx.sleep(0.001) end)
define("thread.spawn", function()
    return type(ngx.thread.spawn(function() end))
end)
define("thread.wait", function()
    return ngx.thread.wait(ngx.thread.spawn(function() return 1 end))
end)
define("coroutine", function()
    local co = coroutine.create(function() coroutine.yield(1) end)
    return coroutine.resume(co)
end)
define("on_abort", function() return ngx.on_abort(function() end) end)
define("timer.at", function() return ngx.timer.at(0, function() end) end)
define("timer.every", function() ngx.timer.every(0, function() end) end)
define("timer.counts", function() return type(ngx.timer.pending_count()) end)
define("socket.tcp", function() return ngx.socket.tcp() end)
define("socket.connect", function()
    return ngx.socket.tcp():connect("127.0.0.1", 1)
end)
define("socket.udp", function() return ngx.socket.udp() end)
define("socket.setpeername", function()
    return ngx.socket.udp():setpeername("127.0.0.1", 1)
end)
define("send_headers", function() return ngx.send_headers() end)
define("print", function() return ngx.print("printed\n") end)
define("say", function() return ngx.say("said") end)
define("flush", function() return ngx.flush() end)
define("flush.wait", function() return ngx.flush(true) end)
define("status.write", function() ngx.status = 201 end)
define("eof", function() return ngx.eof() end)

-- These end what calls them where they may be called.
calls.exit = function() return ngx.exit(ngx.OK) end
calls.exit_404 = function() return ngx.exit(404) end
calls.redirect = function() return ngx.redirect("/other") end
calls.exec = function() return ngx.exec("/other") end

local _M = {}


function _M.run(path, names)
    local list = order
    if names then
        list = {}
        for name in names:gmatch("%S+") do
            list[#list + 1] = name
        end
    end
    local file = io.open(path, "a")
    file:setvbuf("no")
    for _, name in ipairs(list) do
        file:write(told(name, pcall(calls[name])))
    end
    file:close()
end


return _M
