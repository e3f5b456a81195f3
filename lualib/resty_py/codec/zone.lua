-- The local time zone.
--
--   utc_offset(sec)   seconds east of Greenwich at the epoch time `sec`
--
-- The host answers (native.clock.utc_offset); its answer is kept for a
-- quarter of an hour, for a zone changes its offset on one.

local native = require "resty_py.native"

local floor = math.floor
local host_utc_offset = native.clock.utc_offset

local QUARTER = 900

local _M = {}

local kept_quarter, kept_offset


function _M.utc_offset(sec)
    local quarter = floor(sec / QUARTER)
    if quarter ~= kept_quarter then
        kept_offset = host_utc_offset(quarter * QUARTER)
        kept_quarter = quarter
    end
    return kept_offset
end


return _M
