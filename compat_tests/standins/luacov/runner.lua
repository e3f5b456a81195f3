-- Stands for luacov, which suites start to measure themselves: measures
-- nothing.

return {init = function() end}
