-- coroutine.*, and waiting inside of them and of calls.


-- case: coroutine_values
local co = coroutine.create(function(a, b)
    show("in", a, b, coroutine.status((coroutine.running())))
    local c, d = coroutine.yield(1, nil, 2)
    show("in", c, d)
    show("none", coroutine.yield())
    return "r", nil
end)
show(coroutine.status(co))
show(coroutine.resume(co, "a", nil))
show(coroutine.status(co))
show(coroutine.resume(co, nil, "d"))
show(coroutine.resume(co))
show(coroutine.status(co))
show(coroutine.resume(co))
local co = coroutine.create(function() error("x") end)
show(coroutine.resume(co))
show(coroutine.status(co))
show(coroutine.resume(co))
local co = coroutine.create(function() error({1}) end)
show(coroutine.resume(co))


-- case: coroutine_wrap
local w = coroutine.wrap(function(a)
    for i = 1, 2 do a = coroutine.yield(a, i) end
    return "end"
end)
show(w("x"))
show(w("y"))
show(w("z"))


-- case: coroutine_errors
attempt("coroutine.create()")
attempt("coroutine.create(1)")
attempt("coroutine.create(math.floor)")
attempt("coroutine.wrap(math.floor)")
attempt("coroutine.wrap()")
attempt("coroutine.resume()")
attempt("coroutine.resume(1)")
attempt("coroutine.status(1)")
attempt("coroutine.status()")


-- case: coroutine_status
local me = coroutine.running()
show(coroutine.resume(me))
local co
co = coroutine.create(function()
    show(coroutine.resume(co))
    show(coroutine.resume(me))
    show(coroutine.status(me), coroutine.status(co))
    local inner = coroutine.create(function()
        show(coroutine.status(co), coroutine.status(me))
        show(coroutine.resume(co))
    end)
    show(coroutine.resume(inner))
    ngx.sleep(0.01)
end)
ngx.thread.spawn(function()
    coroutine.yield()
    show("other", coroutine.status(me), coroutine.status(co))
    show(coroutine.resume(co))
    show(coroutine.resume(me))
end)
show(coroutine.resume(co))
show(coroutine.status(me), coroutine.status(co))


-- case: coroutine_waits
local co = coroutine.create(function()
    show("a")
    ngx.sleep(0.02)
    show("b")
    coroutine.yield("y")
    ngx.sleep(0.02)
    show("c")
    return "r"
end)
ngx.thread.spawn(function()
    for i = 1, 2 do
        show("other", coroutine.status(co))
        ngx.sleep(0.01)
    end
end)
show(coroutine.resume(co))
show("between")
show(coroutine.resume(co))
show(coroutine.status(co))


-- case: coroutines_3_deep
local function level(n)
    return coroutine.wrap(function()
        show("enter", n)
        ngx.sleep(0.001)
        if n < 3 then
            local next = level(n + 1)
            for i = 1, 2 do show("from", n + 1, next()) end
        end
        coroutine.yield(n .. ".1")
        ngx.sleep(0.001)
        coroutine.yield(n .. ".2")
    end)
end
local w = level(1)
show(w())
show(w())


-- case: yield_across_c
local function sort()
    table.sort({3, 2, 1}, function(a, b) ngx.sleep(0.001) return a < b end)
end
local function gsub()
    return ("abc"):gsub(".", function() coroutine.yield() end)
end
local function spawn()
    return ("abc"):gsub(".", function() ngx.thread.spawn(function() end) end)
end
show(pcall(sort))
show(pcall(gsub))
show(pcall(spawn))
ngx.sleep(0.01)
show("still here")


-- case: yield_across_c_uncaught
local x = ("abc"):gsub(".", function(c) ngx.sleep(0.001) return c end)


-- case: blocking_in_protected_calls
show(pcall(function() ngx.sleep(0.001) return 1, nil end))
show(pcall(function() ngx.sleep(0.001) error("e") end))
local function handler(message) return "h:" .. message end
show(xpcall(function() ngx.sleep(0.001) error("e") end, handler))
show(xpcall(function() ngx.sleep(0.001) return 1, nil, 3 end, handler))
show(pcall(function()
    show(pcall(function() ngx.sleep(0.001) error("inner") end))
    ngx.sleep(0.001)
    error("outer", 0)
end))


-- case: blocking_in_metamethods
local function slow(value)
    return function() ngx.sleep(0.001) return value end
end
local function pairs_slowly(n)
    local i = 0
    return function() i = i + 1 ngx.sleep(0.001) if i <= n then return i end end
end
for i in pairs_slowly(2) do show("iter", i) end
local t = setmetatable({}, {__index = slow(1), __add = slow(2), __call = slow(3),
    __concat = slow(4), __lt = slow(true), __le = slow(false), __unm = slow(5),
    __newindex = function(t, k, v) ngx.sleep(0.001) rawset(t, k, v) end})
show(t.foo, t + 1, t(), t .. "", t < t, t <= t, -t)
t.x = 5
show(rawget(t, "x"))
