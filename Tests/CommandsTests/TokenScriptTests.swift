import Testing

@Suite("token and lease command scripts")
struct TokenScriptTests {
    private static let auth =
        #"{"request_id":"r","data":null,"warnings":["Policy \"x\" does not exist"],"#
        + #""auth":{"client_token":"s.new","accessor":"acc","policies":["default","x"],"#
        + #""token_policies":["default","x"],"lease_duration":3600,"renewable":true}}"#

    @Test("token create")
    func create() async throws {
        try await Script.run(
            """
            server POST /v1/auth/token/create {"policies":["x","y"],"ttl":"1h","num_uses":3,"meta":{"team":"a"},"no_default_policy":true} -> 200 \(Self.auth)
            holdfast token create -policy=x -policy=y -ttl=1h -use-limit=3 -metadata=team=a -no-default-policy -field=token
            stdout 's.new'
            stderr 'warning: Policy "x" does not exist'
            server POST /v1/auth/token/create-orphan {"type":"batch"} -> 200 \(Self.auth)
            holdfast token create -orphan -type=batch
            stdout 'token_duration'
            server POST /v1/auth/token/create/r {"renewable":false} -> 200 \(Self.auth)
            holdfast token create -role=r -not-renewable -format=json
            stdout '"client_token": "s.new"'
            !64 holdfast token create -role=r -orphan
            """
        )
    }

    @Test("token lookup, renew, revoke and capabilities: which token, and never as an argument")
    func others() async throws {
        try await Script.run(
            """
            server GET /v1/auth/token/lookup-self -> 200 {"request_id":"r","data":{"id":"s.secret","ttl":5}}
            holdfast token lookup
            stdout-is
            |Key    Value
            |---    -----
            |ttl    5
            server POST /v1/auth/token/lookup-accessor {"accessor":"acc"} -> 200 {"request_id":"r","data":{"id":"","ttl":6}}
            holdfast token lookup -accessor=acc -format=json
            stdout '"ttl": 6'
            server PUT /v1/auth/token/lookup {"token":"s.other"} -> 403 {"errors":["bad token"]}
            pipe s.other
            !2 holdfast token lookup -ask
            stderr 'bad token'
            !64 holdfast token lookup s.other
            !64 holdfast token lookup -ask -accessor=acc
            server PUT /v1/auth/token/renew-self {"increment":"30m"} -> 200 \(Self.auth)
            holdfast token renew -increment=30m
            stdout '1h0m0s'
            server PUT /v1/auth/token/revoke {"token":"s.other"} -> 204
            pipe s.other
            holdfast token revoke -ask
            stdout 'token revoked (if it was one)'
            server PUT /v1/auth/token/revoke-orphan {"token":"s.other"} -> 204
            pipe s.other
            holdfast token revoke -ask -orphan
            server PUT /v1/auth/token/revoke-self {} -> 204
            holdfast token revoke -self
            !64 holdfast token revoke
            !64 holdfast token revoke -self -accessor=acc
            server POST /v1/sys/capabilities-self {"paths":["a/b"]} -> 200 {"request_id":"r","data":{"capabilities":["list","read"]}}
            holdfast token capabilities a/b
            stdout-is
            |list, read
            """
        )
    }

    @Test("lease lookup, list, renew and revoke")
    func leases() async throws {
        try await Script.run(
            """
            server PUT /v1/sys/leases/lookup {"lease_id":"a/b/h1"} -> 200 {"request_id":"r","data":{"id":"a/b/h1","ttl":9}}
            holdfast lease lookup a/b/h1
            stdout 'a/b/h1'
            server GET /v1/sys/leases/lookup/a/b?list=true -> 200 {"request_id":"r","data":{"keys":["h1"]}}
            holdfast lease list a/b/
            stdout 'h1'
            server GET /v1/sys/leases/lookup?list=true -> 404 {"errors":[]}
            !2 holdfast lease list
            stderr 'no leases below the root'
            server PUT /v1/sys/leases/renew {"lease_id":"a/b/h1","increment":"1h"} -> 400 {"errors":["tokens cannot be renewed through this endpoint"]}
            !2 holdfast lease renew a/b/h1 -increment=1h
            stderr 'tokens cannot be renewed'
            server PUT /v1/sys/leases/revoke {"lease_id":"a/b/h1"} -> 204
            holdfast lease revoke a/b/h1
            stdout 'revoked (if there was anything): a/b/h1'
            server PUT /v1/sys/leases/revoke-prefix/a/b {} -> 204
            holdfast lease revoke -prefix a/b/
            server PUT /v1/sys/leases/revoke-force/a/b {} -> 204
            holdfast lease revoke -prefix -force a/b
            !64 holdfast lease revoke -force a/b
            """
        )
    }
}
