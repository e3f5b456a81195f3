local broken = {}

local function third(state)
    return state.missing.field
end

local function second(state)
    local value = third(state)
    return value
end

function broken.run(state)
    local value = second(state)
    return value
end

return broken
