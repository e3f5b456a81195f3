-- Who is known.
return {
    by_name = {
        ann = {name = "ann", role = "admin", password = "secret"},
        bob = {name = "bob", role = "member", password = "a:b c"},
    },
    keys = {["k-1"] = "ann", ["k-2"] = "bob"},
}
