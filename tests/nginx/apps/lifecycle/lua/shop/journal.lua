-- Entries of all requests and timers of a worker.

local journal = {}

local entries, ticks = {}, 0

function journal.add(entry)
    entries[#entries + 1] = entry
end

function journal.take()
    local taken = entries
    entries = {}
    return taken
end

function journal.tick()
    ticks = ticks + 1
end

local function wait(done)
    for _ = 1, 2000 do
        if done() then
            return true
        end
        ngx.sleep(0.001)
    end
end

-- Wait until `count` timers have left an entry.
function journal.wait(count)
    return wait(function()
        local found = 0
        for _, entry in ipairs(entries) do
            found = found + (entry:find("^timer") and 1 or 0)
        end
        return found >= count
    end)
end

function journal.wait_ticks(count)
    return wait(function() return ticks >= count end)
end

return journal
