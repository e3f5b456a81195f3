-- The limit_conn module: how many requests may be served at once.
--
--   prepare(settings)   readies a location's settings
--   check(r)            nil: it may go on | the status that it ends with
--
-- Rules:
--
-- 1. Each value of a zone's key has an entry while requests are counted there:
--    a record for each worker that counts some. It says who the worker is, by
--    its row in the board and its number there, and how many.
-- 2. A worker changes its own record alone, by a swap of the old text for the
--    new one; who comes too late looks again.
-- 3. A worker that was killed takes its counts with it: a record whose worker
--    is not in the board any more does not count, and is left out by whoever
--    writes the entry next. Where a zone is full all of its entries are gone
--    through for such records, once after each end of a process.
-- 4. An entry without records is deleted.
-- 5. A request is counted in all limits of a location or in none, once,
--    whatever locations it comes to, subrequests included, until it is logged:
--    its `counted` then has release(); its `limit_conn_status` is
--    $limit_conn_status.
--
-- Follows ngx_http_limit_conn_module.c.

local board = require "resty_py.board"
local log = require "resty_py.log"
local shm_zone = require "resty_py.shm.zone"
local zones = require "resty_py.modules.limit.zones"

local byte = string.byte
local char = string.char
local concat = table.concat
local floor = math.floor
local format = string.format
local ipairs = ipairs
local setmetatable = setmetatable
local sub = string.sub

local MAX_KEY = 255

-- Of a store: nothing is evicted for it.
local SAFE = 4

-- A record: row, number and count of two, four and two bytes.
local RECORD, IDENTITY = 8, 6

local _M = {}


function _M.prepare(settings)
    local limits = {}
    for i, given in ipairs(settings.limit_conn or {}) do
        local zone = zones.find("limit_conn", given.zone)
        limits[i] = {zone = zone, memory = zone.memory, most = given.most}
    end
    settings.limit_conn = #limits > 0 and limits or nil
    settings.limit_conn_log_level = zones.LEVELS[settings.limit_conn_log_level]
end


-- Records --------------------------------------------------------------------


local function two_bytes(number)
    return char(number % 256, floor(number / 256) % 256)
end


local function identity()
    local row = board.row
    local serial = board.serial(row)
    return two_bytes(row) .. two_bytes(serial)
        .. two_bytes(floor(serial / 65536))
end


-- Whether the worker of the record at a place is there.
local function is_alive(text, at)
    local a, b, c, d, e, f = byte(text, at, at + IDENTITY - 1)
    return board.serial(a + 256 * b)
        == c + 256 * (d + 256 * (e + 256 * f))
end


local function count_at(text, at)
    local low, high = byte(text, at + IDENTITY, at + IDENTITY + 1)
    return low + 256 * high
end


-- Returns the count of worker `own`, that of the others, and their records.
local function read(text, own)
    local mine, theirs, others = 0, 0, {}
    for at = 1, text and #text or 0, RECORD do
        if sub(text, at, at + IDENTITY - 1) == own then
            mine = count_at(text, at)
        elseif is_alive(text, at) then
            theirs = theirs + count_at(text, at)
            others[#others + 1] = sub(text, at, at + RECORD - 1)
        end
    end
    return mine, theirs, concat(others)
end


-- Returns the text of an entry, nil for none.
local function write(own, mine, others)
    if mine > 0 then
        return others .. own .. two_bytes(mine)
    end
    return others ~= "" and others or nil
end


local function get(memory, key)
    local _, text = memory.get(key, false)
    return text
end


-- Counting -------------------------------------------------------------------


local function drop_dead(memory, key)
    local text = get(memory, key)
    local _, _, alive = read(text, "")
    local left = write("", 0, alive)
    if text ~= left and memory.swap(SAFE, key, text, left, 0) == "changed" then
        return drop_dead(memory, key)
    end
end


-- Whether it was worth while: a worker may have left something.
local function sweep(zone)
    local ended = board.ended()
    if zone.swept == ended then
        return false
    end
    zone.swept = ended
    for _, key in ipairs(shm_zone.split(zone.memory.keys(0))) do
        drop_dead(zone.memory, key)
    end
    return true
end


local function out_of_memory(zone)
    log.write(log.CRIT, format("ngx_slab_alloc() failed: no memory in "
                               .. 'limit_conn_zone "%s"', zone.name))
end


-- Counts one more. Returns true | false, whether there are too many.
local function take(limit, key)
    local own = identity()
    local text = get(limit.memory, key)
    local mine, theirs, others = read(text, own)
    if mine + theirs >= limit.most then
        return false, true
    end
    local more = write(own, mine + 1, others)
    local err = limit.memory.swap(SAFE, key, text, more, 0)
    if not err then
        return true
    elseif err == "changed" or sweep(limit.zone) then
        return take(limit, key)
    end
    out_of_memory(limit.zone)
    return false, false
end


-- Counts one less.
local function give_back(memory, key)
    local own = identity()
    local text = get(memory, key)
    local mine, _, others = read(text, own)
    local less = write(own, mine - 1, others)
    if mine > 0 and memory.swap(SAFE, key, text, less, 0) == "changed" then
        return give_back(memory, key)
    end
end


-- What a request is counted in: keys, each behind its zone's memory.
local Counted = {}
Counted.__index = Counted


function Counted:release()
    for i = 1, #self, 2 do
        give_back(self[i], self[i + 1])
    end
end


-- The request ----------------------------------------------------------------


local function refuse(r, main, limit, is_over)
    local settings = r.settings
    local dry_run = settings.limit_conn_dry_run
    if is_over then
        log.request(r, settings.limit_conn_log_level, format(
            'limiting connections%s by zone "%s"',
            dry_run and ", dry run," or "", limit.zone.name))
    end
    if main.counted then
        main.counted:release()
        main.counted = nil
    end
    main.limit_conn_status = dry_run and "REJECTED_DRY_RUN" or "REJECTED"
    return not dry_run and settings.limit_conn_status or nil
end


local function note(main, memory, key)
    local counted = main.counted
    if not counted then
        counted = setmetatable({}, Counted)
        main.counted = counted
    end
    local n = #counted
    counted[n + 1], counted[n + 2] = memory, key
end


function _M.check(r)
    local main = r.main or r
    local limits = r.settings.limit_conn
    for i = 1, main.limit_conn_status and 0 or #limits do
        local limit = limits[i]
        local key = zones.key(limit.zone, r, MAX_KEY)
        if key then
            local ok, is_over = take(limit, key)
            if not ok then
                return refuse(r, main, limit, is_over)
            end
            main.limit_conn_status = "PASSED"
            note(main, limit.memory, key)
        end
    end
end


return _M
