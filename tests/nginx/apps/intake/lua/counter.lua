local counter = {}

local count = 0

function counter.next()
    count = count + 1
    return count
end

return counter
