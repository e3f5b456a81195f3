local journal = require "shop.journal"

journal.add("init_worker: " .. ngx.get_phase() .. " of " .. ngx.worker.count())

local ok, err = ngx.timer.every(0.003, function(premature)
    if not premature then
        journal.tick()
    end
end)
if not ok then
    ngx.log(ngx.ERR, "no timer: ", err)
end
