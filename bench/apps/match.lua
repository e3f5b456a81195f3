-- ngx.re.match on 1 KiB, a hundred times: one capture near the end.

local N = 100
local SUBJECT = ("lorem ipsum dolor sit amet "):rep(37) .. "order=4711; end"

local match = ngx.re.match
local found
for _ = 1, N do
    found = match(SUBJECT, [[order=(\d+);]], "jo")
end
ngx.say(found[1])
