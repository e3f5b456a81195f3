-- The limits of LuaJIT's compiler.
--
-- A stock LuaJIT gives up a trace that needs more than 500 constants or 500
-- snapshots, and in the end the function where it began. A request's way from
-- its head to the last byte needs more of both; OpenResty's LuaJIT lifts other
-- limits for the same reason, which are lifted here as well: traces, what is
-- recorded for one, and machine code (KiB). Its `minstitch` is not: here traces
-- that stop at a C function are worth having.

require("jit.opt").start("maxtrace=8000", "maxrecord=16000", "maxmcode=40960",
                         "maxirconst=4000", "maxsnap=4000")
