local extra = {counter = require "counter"}

function extra.get()
    return booted
end

return extra
