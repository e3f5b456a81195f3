-- Sets of what a configuration lists.
--
--   set(list)   {item = true, …} of an array; empty where it is nil

local ipairs = ipairs


return function(list)
    local set = {}
    for _, item in ipairs(list or {}) do
        set[item] = true
    end
    return set
end
