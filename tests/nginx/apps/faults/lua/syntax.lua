ngx.say("never said"
