local show = require "show"
local basexx = require "basexx"

for _, text in ipairs {"", "f", "fo", "foobar", "\0\255 any bytes"} do
    for _, name in ipairs {"hex", "base32", "crockford", "base64", "url64",
                           "z85"} do
        local ok, encoded = pcall(basexx["to_" .. name], text)
        show(name, ok, encoded)
        if ok and encoded then
            show(basexx["from_" .. name](encoded) == text)
        end
    end
end
show(basexx.from_base64("?!"))
