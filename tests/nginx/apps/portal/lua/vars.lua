-- Variables: a part has its own, a copy, or ours.

local function show(name, options)
    local res = ngx.location.capture("/vars-part", options)
    ngx.say(name, ": ", res.body, " -> ", ngx.var.dog, " ", ngx.var.cat)
end

show("own")
show("some", {vars = {dog = "given", cat = 7}})
show("copied", {copy_all_vars = true})
show("copied and some", {copy_all_vars = true, vars = {dog = "given"}})
show("shared", {share_all_vars = true})
show("shared and some", {share_all_vars = true, vars = {cat = "given"}})
ngx.say("uri: ", ngx.var.uri, " args: ", tostring(ngx.var.args))
