-- Times operations on a shared dictionary of 10,000 keys.
--   arguments  op=get|set|incr, size=bytes of a value, n=operations
-- Answers: process, nanoseconds of wall time for each operation.

local args = ngx.req.get_uri_args()
local dict = ngx.shared.bench
local op, count = args.op, tonumber(args.n)
local value = string.rep("v", tonumber(args.size))

local KEYS = 10000

local keys = {}
for i = 1, KEYS do
    keys[i] = "key:" .. i
    if op == "incr" then
        dict:add("n" .. keys[i], 0)
        keys[i] = "n" .. keys[i]
    elseif not dict:get(keys[i]) or #dict:get(keys[i]) ~= #value then
        assert(dict:set(keys[i], value))
    end
end

local calls = {
    get = function(key) return dict:get(key) end,
    set = function(key) return dict:set(key, value) end,
    incr = function(key) return dict:incr(key, 1) end,
}
local call = calls[op]


local function run(n)
    local at = 1
    for _ = 1, n do
        at = at + 7
        if at > KEYS then
            at = at - KEYS
        end
        call(keys[at])
    end
end


run(KEYS)
ngx.update_time()
local began = ngx.now()
run(count)
ngx.update_time()
ngx.say(ngx.worker.pid(), " ", (ngx.now() - began) / count * 1e9)
