-- The text that ngx.re.sub and ngx.re.gsub build, as a list of pieces; see
-- ffi_output.lua for the interface.

local concat = table.concat
local sub = string.sub

local _M = {}


function _M.take()
    return {n = 0}
end


function _M.give()
end


function _M.append(output, s, from, to)
    if to > from then
        output.n = output.n + 1
        output[output.n] = sub(s, from + 1, to)
    end
end


function _M.text(output)
    return concat(output, "", 1, output.n)
end


return _M
