-- Prints a table of fields, sorted.

return function(fields, err)
    if not fields then
        ngx.say("nothing: ", err)
        return
    end
    local names = {}
    for name in pairs(fields) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        local value = fields[name]
        if type(value) == "table" then
            local items = {}
            for i, item in ipairs(value) do
                items[i] = tostring(item)
            end
            value = "{" .. table.concat(items, "|") .. "}"
        end
        ngx.say(name, " = ", tostring(value))
    end
    if err then
        ngx.say("and: ", err)
    end
end
