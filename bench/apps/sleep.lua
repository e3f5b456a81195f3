-- Every request sleeps, so that every connection holds a parked light thread.

ngx.sleep(0.1)
ngx.say("slept")
