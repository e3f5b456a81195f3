return (ngx.arg[2] ~= "" and ngx.arg[2] or "nobody") .. " pays " .. ngx.arg[1]
