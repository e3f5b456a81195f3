ngx.say('version 0')
