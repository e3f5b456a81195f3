-- A bounded memory of answers, for keys that keep coming back.
--
-- Two generations: what is looked up moves to the young one; when that is
-- full the old one is forgotten. So a lookup is one or two table reads, and
-- at most 2 * size entries are kept, whatever clients send.
--
-- The hot path reads memo.young[key] itself and calls recall() on a miss.

local _M = {}


-- size: entries per generation.
function _M.new(size)
    return {young = {}, old = {}, count = 0, size = size}
end


-- Remembers `value`, not nil, under `key`, and returns it.
function _M.store(memo, key, value)
    if memo.count >= memo.size then
        memo.old, memo.young, memo.count = memo.young, {}, 0
    end
    memo.count = memo.count + 1
    memo.young[key] = value
    return value
end


-- Returns what is remembered under `key`, or nil.
function _M.recall(memo, key)
    local value = memo.young[key]
    if value ~= nil then
        return value
    end
    value = memo.old[key]
    if value ~= nil then
        return _M.store(memo, key, value)
    end
end


return _M
