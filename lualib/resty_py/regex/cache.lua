-- Compiled patterns that are kept: the least recently used one goes first.
--
--   resize(max)                 how many there may be; nil: the default
--   find(parsed, pattern)       re | nil
--   keep(parsed, pattern, re)   takes re in; re.kept tells whether it did
--   is_empty()                  whether nothing was ever kept
--
-- Each set of options (options.lua) has its own index by pattern; the chain
-- from the newest to the oldest use goes through the records themselves.

local MAX_ENTRIES = 1024  -- lua_regex_cache_max_entries

local _M = {}

local max = MAX_ENTRIES
local count = 0
local newest, oldest


function _M.resize(given)
    max = given or MAX_ENTRIES
end


local function make_newest(re)
    re.older, re.newer = newest, nil
    if newest then
        newest.newer = re
    else
        oldest = re
    end
    newest = re
end


-- Moves a record, which is not the newest, to that end of the chain.
local function touch(re)
    local older, newer = re.older, re.newer
    newer.older = older
    if older then
        older.newer = newer
    else
        oldest = newer
    end
    make_newest(re)
end


local function drop_oldest()
    local re = oldest
    re.index[re.pattern] = nil
    oldest = re.newer
    if oldest then
        oldest.older = nil
    else
        newest = nil
    end
    count = count - 1
end


function _M.find(parsed, pattern)
    local re = parsed.index[pattern]
    if re and re ~= newest then
        touch(re)
    end
    return re
end


function _M.keep(parsed, pattern, re)
    if max <= 0 then
        return
    end
    if count >= max then
        drop_oldest()
    end
    re.kept, re.index, re.pattern = true, parsed.index, pattern
    parsed.index[pattern] = re
    make_newest(re)
    count = count + 1
end


function _M.is_empty()
    return count == 0
end


return _M
