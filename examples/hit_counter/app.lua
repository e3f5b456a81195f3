-- A hit counter on Redis, by lua-resty-redis as its author wrote it.
--
--   /hit?page=P                       counts a hit, says how many it has
--   /top?limit=N                      the pages hit most, in one round trip
--   /transaction?from=P&to=Q          moves one hit from P to Q, all or nothing
--   /null?page=P                      what Redis says of a page not there
--   /pool                             how often the connection was used before
--   /subscribe?channel=C&timeout=MS   waits for a message
--   /publish?channel=C&message=M      sends one, says to how many
--
--   REDIS_PORT=6379 resty-py -I LIBRARIES examples/hit_counter/app.lua
--
-- where LIBRARIES holds resty/redis.lua. With nginx, which clears its
-- environment: env REDIS_PORT; at the top, lua_package_path, and
-- location / { content_by_lua_file …/app.lua; }

local redis = require "resty.redis"

local concat = table.concat
local floor = math.floor
local ipairs = ipairs
local max = math.max
local min = math.min
local null = ngx.null
local say = ngx.say
local tonumber = tonumber
local tostring = tostring
local type = type

local REDIS_HOST = "127.0.0.1"
local REDIS_PORT = tonumber(os.getenv("REDIS_PORT")) or 6379
local TIMEOUT_MS = 1000
local MAX_WAIT_MS = 60000

-- Idle connections are kept for the next request: this long, this many.
local IDLE_MS = 10000
local POOL_SIZE = 100


-- Ends the request with a text. ngx.exit does not return.
local function refuse(status, text)
    ngx.status = status
    say(text)
    return ngx.exit(status)
end


-- Passes on what Redis answered; ends the request where it did not, or where
-- it answered with an error.
local function must(answer, err)
    if answer then
        return answer
    end
    ngx.log(ngx.ERR, "redis at ", REDIS_HOST, ":", REDIS_PORT, ": ", err)
    return refuse(ngx.HTTP_BAD_GATEWAY, "Redis is no help: " .. tostring(err))
end


-- An error among the answers of a pipeline or a transaction is {false, err}.
local function must_all(answers, err)
    for _, answer in ipairs(must(answers, err)) do
        if type(answer) == "table" and answer[1] == false then
            must(false, answer[2])
        end
    end
    return answers
end


local function connect()
    local red = must(redis:new())
    red:set_timeout(TIMEOUT_MS)
    must(red:connect(REDIS_HOST, REDIS_PORT))
    return red
end


-- Gives the connection back. Not for one that subscribed or failed: the
-- request's end closes those.
local function keep(red)
    must(red:set_keepalive(IDLE_MS, POOL_SIZE))
end


-- Returns the argument `name`; ends the request where it has no value.
local function wanted(args, name)
    local value = args[name]
    if type(value) ~= "string" or value == "" then
        return refuse(ngx.HTTP_BAD_REQUEST, "Which " .. name .. "?")
    end
    return value
end


local function hit(args)
    local page = wanted(args, "page")
    local red = connect()
    local hits = must(red:incr("hits:" .. page))
    must(red:zincrby("top", 1, page))
    keep(red)
    say(hits)
end


-- A pipeline sends its commands together and reads the answers together.
local function top(args)
    local limit = floor(tonumber(args.limit) or 10)
    local red = connect()
    red:init_pipeline()
    red:zcard("top")
    red:zrevrange("top", 0, limit - 1, "withscores")
    local answers = must_all(red:commit_pipeline())
    keep(red)
    say(answers[1], " pages")
    local ranking = answers[2]
    for i = 1, #ranking, 2 do
        say(ranking[i + 1], " ", ranking[i])
    end
end


local function transaction(args)
    local from, to = wanted(args, "from"), wanted(args, "to")
    local red = connect()
    must(red:multi())
    local queued = must(red:decr("hits:" .. from))
    must(red:incr("hits:" .. to))
    local answers = must_all(red:exec())
    keep(red)
    say(queued, ": ", concat(answers, ", "))
end


-- nil would mean that the call failed, so what is not there is ngx.null. It
-- counts as true.
local function null_answers(args)
    local key = "hits:" .. wanted(args, "page")
    local red = connect()
    local one = must(red:get(key))
    local two = must(red:mget(key, "hits:"))
    keep(red)
    say("get: ", one == null and "nothing" or one)
    say("mget: ", two[1], ", ", two[2])
end


local function pool()
    local red = connect()
    must(red:ping())
    local times = must(red:get_reused_times())
    keep(red)
    say("used ", times, " times before")
end


local function subscribe(args)
    local channel = wanted(args, "channel")
    local wait = tonumber(args.timeout) or TIMEOUT_MS
    local red = connect()
    must(red:subscribe(channel))
    say("waiting")
    ngx.flush(true)
    red:set_timeout(max(1, min(wait, MAX_WAIT_MS)))
    local message, err = red:read_reply()
    red:close()
    if message then
        say(message[2], ": ", message[3])
    else
        say("no message: ", err)
    end
end


local function publish(args)
    local channel, message = wanted(args, "channel"), wanted(args, "message")
    local red = connect()
    local heard = must(red:publish(channel, message))
    keep(red)
    say("heard by ", heard)
end


local ROUTES = {
    ["/hit"] = hit,
    ["/null"] = null_answers,
    ["/pool"] = pool,
    ["/publish"] = publish,
    ["/subscribe"] = subscribe,
    ["/top"] = top,
    ["/transaction"] = transaction,
}

local route = ROUTES[ngx.var.uri]
if not route then
    return refuse(ngx.HTTP_NOT_FOUND, "There is no such page.")
end
route(ngx.req.get_uri_args())
