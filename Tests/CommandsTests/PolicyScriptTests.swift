import Testing

@Suite("policy command scripts")
struct PolicyScriptTests {
    @Test("policy explain: the rule, what is needed, and an exit code")
    func policyExplain() async throws {
        let denied =
            #"{"request_id":"r","data":{"allowed":false,"operation":"create","path":"kv/x","#
            + #""reason":"denied: create","remedy":"the rule needs create","needs_sudo":false,"#
            + #""matches":[{"path":"kv/*","capabilities":["read"],"decides":true,"#
            + #""yields_because":null,"from":[{"policy":"p","path":"kv/*","line":3}]},"#
            + #"{"path":"*","capabilities":["list"],"decides":false,"#
            + #""yields_because":"it ends earlier","from":[{"policy":"q","path":"*","line":0}]}],"#
            + #""policies":[{"name":"p","version":2,"digest":"00ff"}]}}"#
        try await Script.run(
            """
            server PUT /v1/sys/policies/explain {"path":"kv/x","operation":"write","parameters":{"a":"1"},"policies":["p","q"]} -> 200 \(denied)
            !2 holdfast policy explain write kv/x a=1 -policy=p -policy=q
            stdout-is
            |denied: create
            |
            |needed: the rule needs create
            |
            |Rule    Capabilities    From    Decides
            |----    ------------    ----    -------
            |kv/*    read            p:3     yes
            |*       list            q       no: it ends earlier
            |
            |Policy    Version    SHA-256 of the text
            |------    -------    -------------------
            |p         2          00ff
            server PUT /v1/sys/policies/explain {"path":"kv/x","operation":"read","accessor":"acc"} -> 200 {"request_id":"r","data":{"allowed":true,"reason":"allowed: read","remedy":null,"matches":[],"policies":[]}}
            holdfast policy explain read kv/x -accessor=acc
            stdout-is
            |allowed: read
            !64 holdfast policy explain read kv/x -accessor=acc -policy=p
            server PUT /v1/sys/policies/explain {"path":"kv/x","operation":"read"} -> 403 {"errors":["permission denied"]}
            !2 holdfast policy explain read kv/x
            stderr 'permission denied'
            stdout-empty
            """
        )
    }

    @Test("policy: write, read, list, delete, versions, diff, rollback")
    func policies() async throws {
        try await Script.run(
            """
            server PUT /v1/sys/policies/acl/p {"policy":"path x {}","cas":2,"force":true} -> 204
            pipe path x {}
            holdfast policy write p - -cas=2 -force
            stdout-is
            |policy written: p
            server PUT /v1/sys/policies/acl/p {"policy":"y"} -> 400 {"errors":["policy was not written, because its cases fail: one"]}
            pipe y
            !2 holdfast policy write p -
            stderr 'its cases fail: one'
            server GET /v1/sys/policies/acl/p -> 200 {"request_id":"r","data":{"name":"p","policy":"path x {}"}}
            holdfast policy read p
            stdout 'path x {}'
            server GET /v1/sys/policies/versions/acl/p?version=1 -> 200 {"request_id":"r","data":{"policy":"old"}}
            holdfast policy read p -version=1
            stdout 'old'
            server GET /v1/sys/policies/acl/none -> 404 {"errors":[]}
            !2 holdfast policy read none
            stderr 'no policy named none'
            stderr 'hint: holdfast policy list'
            server GET /v1/sys/policies/acl?list=true -> 200 {"request_id":"r","data":{"keys":["default","root"]}}
            holdfast policy list
            stdout 'default'
            server DELETE /v1/sys/policies/acl/p -> 204
            holdfast policy delete p
            stdout 'policy deleted (if it was): p'
            server DELETE /v1/sys/policies/versions/acl/p -> 204
            holdfast policy delete p -history
            stdout 'history removed'
            server GET /v1/sys/policies/versions/acl/p -> 200 {"request_id":"r","data":{"current":3,"versions":[{"version":2,"modified":"2026-11-26T17:41:21.557Z","author":"a","case_count":0,"digest":"0123456789"},{"version":3,"modified":"n","author":"a","case_count":1,"digest":"e","restored_from":1}]}}
            holdfast policy versions p
            stdout-is
            |Version    Modified                Author    Cases    SHA-256
            |-------    --------                ------    -----    -------
            |2          2026-11-26T17:41:21Z    a         0        01234567
            |3          n                       a         1        e           in force, as 1
            server GET /v1/sys/policies/diff/acl/p?from=1&to=3 -> 200 {"request_id":"r","data":{"diff":"-a","options_changed":true}}
            holdfast policy diff p -from=1 -to=3
            stdout '-a'
            stderr 'options or cases differ'
            server GET /v1/sys/policies/diff/acl/p -> 200 {"request_id":"r","data":{"diff":"","options_changed":false}}
            holdfast policy diff p
            stderr 'the texts are the same'
            stdout-empty
            server PUT /v1/sys/policies/rollback/acl/p {"version":1} -> 200 {"request_id":"r","data":{"version":4,"restored_from":1}}
            holdfast policy rollback p -version=1
            stdout '4'
            !64 holdfast policy rollback p
            """
        )
    }
}
