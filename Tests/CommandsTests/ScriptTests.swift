import Testing

@Suite("command scripts")
struct ScriptTests {
    @Test("unseal asks for the share and tells what is missing")
    func unseal() async throws {
        try await Script.run(
            """
            server PUT /v1/sys/unseal {"key":"first"} -> 200 {"sealed":true,"t":2,"n":3,"progress":1}
            type first
            !2 holdfast unseal
            stdout 'share 1 of 2 accepted, still sealed'
            stderr 'holdfast: hint: holdfast unseal'
            ! stderr 'first'
            server PUT /v1/sys/unseal {"key":"second"} -> 200 {"sealed":false,"t":2,"n":3,"progress":0}
            type   second
            holdfast unseal
            stdout-is
            |unsealed
            server PUT /v1/sys/unseal {"key":"wrong"} -> 400 {"errors":["'key' must be a valid hex"]}
            type wrong
            !2 holdfast unseal
            stderr 'did not take it'
            stderr 'hint: check that the whole share was given'
            stdout-empty
            ! stderr 'wrong'
            server PUT /v1/sys/unseal {"reset":true} -> 200 {"sealed":true,"t":2,"n":3,"progress":0}
            holdfast unseal -reset -format=json
            stdout-json
            """
        )
    }

    @Test("unseal takes every line of standard input until the node is open")
    func unsealFromPipe() async throws {
        try await Script.run(
            """
            server PUT /v1/sys/unseal {"key":"one word"} -> 200 {"sealed":true,"t":2,"n":3,"progress":1}
            server PUT /v1/sys/unseal {"key":"b"} -> 200 {"sealed":false,"t":2,"n":3,"progress":0}
            pipe one word\\n\\n  b  \\nc\\n
            holdfast unseal
            stdout-is
            |unsealed
            """
        )
    }

    @Test("unseal with nothing to read says so, and asks the node nothing")
    func unsealFromNothing() async throws {
        try await Script.run(
            """
            pipe \\n
            !1 holdfast unseal -format=json
            stderr 'standard input is empty'
            stderr 'hint: give the share on it'
            stdout-empty
            """
        )
    }

    @Test("shares and tokens are never arguments, and are not repeated")
    func secretArguments() async throws {
        try await Script.run(
            """
            !64 holdfast unseal 0123hidden
            stderr 'a share is never an argument'
            ! stderr '0123hidden'
            stdout-empty
            !64 holdfast unseal -key=0123hidden
            ! stderr '0123hidden'
            !64 holdfast unseal --share 0123hidden
            ! stderr '0123hidden'
            !64 holdfast login s.hidden
            stderr 'a token is never an argument'
            ! stderr 's.hidden'
            !64 holdfast kv get -token=s.hidden secret/a
            stderr 'set HOLDFAST_TOKEN'
            ! stderr 's.hidden'
            !64 holdfast kv put secret/a forgotten-key-hidden
            stderr 'data argument 1 is not key=value'
            ! stderr 'hidden'
            """
        )
    }

    @Test("status: its exit code tells the seal's state")
    func status() async throws {
        try await Script.run(
            """
            server GET /v1/sys/seal-status -> 200 {"type":"shamir","initialized":true,"sealed":false,"t":3,"n":5,"progress":0,"version":"1"}
            server GET /v1/sys/leader -> 200 {"ha_enabled":true,"is_self":false,"leader_address":"https://a:1"}
            server GET /v1/sys/node-status -> 404 {"errors":["no handler for route"]}
            holdfast status
            stdout-is
            |Key                    Value
            |---                    -----
            |Seal Type              shamir
            |Initialized            true
            |Sealed                 false
            |Total Shares           5
            |Threshold              3
            |Version                1
            |HA Enabled             true
            |HA Mode                standby
            |Active Node Address    https://a:1
            server GET /v1/sys/seal-status -> 200 {"type":"shamir","initialized":true,"sealed":true,"t":3,"n":5,"progress":1,"nonce":"x"}
            server GET /v1/sys/leader -> 503 {"errors":["Vault is sealed"]}
            server GET /v1/sys/node-status -> 503 {"errors":["Vault is sealed"]}
            !2 holdfast status -format=json
            stdout-json
            stderr 'hint: holdfast unseal'
            server GET /v1/sys/seal-status -> 200 {"type":"shamir","initialized":false,"sealed":true,"t":0,"n":0,"progress":0}
            server GET /v1/sys/leader -> 503 {"errors":["Vault is sealed"]}
            server GET /v1/sys/node-status -> 200 {"node":"eu-1","role":"follower","initialized":false,"sealed":true,"has_leader":true,"term":2,"room":"ample","applied_index":7}
            !2 holdfast status
            stderr 'hint: holdfast init'
            stdout 'Leader             known'
            ! stdout 'warnings'
            server GET /v1/sys/seal-status -> 500 {"errors":["broken"]}
            !1 holdfast status
            stdout-empty
            """
        )
    }

    @Test("status: what is wrong with a node stands below its table, with what to type next")
    func statusWarnings() async throws {
        try await Script.run(
            """
            server GET /v1/sys/seal-status -> 200 {"type":"shamir","initialized":true,"sealed":true,"t":3,"n":5,"progress":1,"nonce":"x","version":"1","storage_type":"raft"}
            server GET /v1/sys/leader -> 503 {"errors":["Vault is sealed"]}
            server GET /v1/sys/node-status -> 200 {"node":"eu-1","version":"1","time":"2026-01-02T03:04:05Z","initialized":true,"sealed":true,"shares_given":1,"shares_needed":3,"role":"candidate","term":9,"has_leader":false,"last_index":8,"committed_index":7,"applied_index":7,"room":"none","leader":null,"disk_available_bytes":1048576,"disk_total_bytes":1073741824,"database_bytes":3145728,"audit":{"on":true,"refused":3,"seconds_since_refusal":5,"waiting":0},"members":[]}
            !2 holdfast status
            stdout-is
            |Key                Value
            |---                -----
            |Seal Type          shamir
            |Initialized        true
            |Sealed             true
            |Total Shares       5
            |Threshold          3
            |Unseal Progress    1/3
            |Unseal Nonce       x
            |Version            1
            |Storage Type       raft
            |Node               eu-1
            |Role               candidate
            |Leader             none
            |Term               9
            |Applied Index      7
            |Database           3.0 MiB
            |Disk Available     1.0 MiB of 1.0 GiB
            |Audit Log          on
            |
            |warnings
            |  this node knows no leader: no majority is up, or it is cut off
            |    next: holdfast cluster status
            |  eu-1: it is sealed, 1 of 3 shares are given; it votes and replicates, and answers no request
            |    next: holdfast unseal -address=$ADDRESS
            |  eu-1: its disk is full: it appends nothing, votes, and lets others answer
            |    next: make room on the disk of its data folder; df -h shows it
            |  eu-1: requests are refused because their audit records cannot be written, the last one 5 s ago
            |    next: its log says why: journalctl -u holdfast -n 50; make room, or mend the disk
            """
        )
    }

    @Test("init prints shares and token once, and passes both spellings on")
    func initialise() async throws {
        try await Script.run(
            """
            server PUT /v1/sys/init {"secret_shares":3,"secret_threshold":2} -> 200 {"keys":["aa","bb","cc"],"keys_base64":["qg==","uw==","zA=="],"root_token":"s.root"}
            holdfast init -key-shares=3 --threshold 2
            stdout-is
            |Unseal Key 1: qg==
            |Unseal Key 2: uw==
            |Unseal Key 3: zA==
            |
            |Initial Root Token: s.root
            ! stderr 's.root'
            server PUT /v1/sys/init {"secret_shares":5,"secret_threshold":3} -> 400 {"errors":["Vault is already initialized"]}
            !2 holdfast init
            stderr 'hint: holdfast status'
            server GET /v1/sys/init -> 200 {"initialized":false}
            !2 holdfast init -status -format json
            stdout-json
            """
        )
    }

    static let versioned =
        #"{"data":{"path":"secret/","options":{"version":"2"}},"request_id":"r"}"#
    static let plain = #"{"data":{"path":"kv/","options":{"version":"1"}},"request_id":"r"}"#

    @Test("kv put and get with versions")
    func kvVersions() async throws {
        try await Script.run(
            """
            server GET /v1/sys/internal/ui/mounts/secret/a/b%20c -> 200 \(Self.versioned)
            server PUT /v1/secret/data/a/b%20c {"data":{"x":"1=2","y":"@"},"options":{"cas":0}} -> 200 {"request_id":"r","data":{"version":1,"created_time":"T","deletion_time":"","destroyed":false,"custom_metadata":null}}
            holdfast kv put -cas=0 '/secret/a/b c/' x=1=2 'y=\\@'
            stdout-is
            |== Secret Path ==
            |secret/data/a/b c
            |
            |======= Metadata =======
            |Key                Value
            |---                -----
            |created_time       T
            |custom_metadata    <nil>
            |deletion_time      n/a
            |destroyed          false
            |version            1
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server GET /v1/secret/data/a?version=2 -> 200 {"request_id":"r","data":{"data":{"user":"u","n":12345678901234567890,"list":[1,"b"],"deep":{"b":null,"a":true}},"metadata":{"version":2}}}
            holdfast kv get -version 2 secret/a
            stdout-is
            |== Secret Path ==
            |secret/data/a
            |
            |=== Metadata ===
            |Key        Value
            |---        -----
            |version    2
            |
            |==== Data ====
            |Key     Value
            |---     -----
            |deep    map[a:true b:<nil>]
            |list    [1 b]
            |n       12345678901234567890
            |user    u
            server GET /v1/sys/internal/ui/mounts/secret -> 200 \(Self.versioned)
            server GET /v1/secret/data/a -> 200 {"request_id":"r","data":{"data":{"user":"u"},"metadata":{"version":2}}}
            holdfast kv get -mount=secret -field=user a
            stdout 'u'
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server GET /v1/secret/data/a -> 200 {"request_id":"r","data":{"data":{"user":"u"},"metadata":{"version":2}}}
            !1 holdfast kv get -field=other secret/a
            stdout-empty
            stderr 'field "other" is not in the answer'
            """
        )
    }

    @Test("kv against a mount without versions")
    func kvPlain() async throws {
        try await Script.run(
            """
            server GET /v1/sys/internal/ui/mounts/kv/a -> 200 \(Self.plain)
            server PUT /v1/kv/a {"x":["1","2"],"in":"piped\\n"} -> 204
            pipe piped\\n
            holdfast kv put kv/a x=1 x=2 in=-
            stdout-is
            |data written to: kv/a
            server GET /v1/sys/internal/ui/mounts/kv/a -> 200 \(Self.plain)
            server GET /v1/kv/a -> 200 {"request_id":"r","data":{"x":"1"},"lease_duration":2764800}
            holdfast kv get kv/a
            stdout-is
            |== Data ==
            |Key    Value
            |---    -----
            |x      1
            server GET /v1/sys/internal/ui/mounts/kv/a -> 200 \(Self.plain)
            !1 holdfast kv undelete -versions=1 kv/a
            stderr 'version 1, which keeps no versions'
            server GET /v1/sys/internal/ui/mounts/kv/a -> 200 \(Self.plain)
            server DELETE /v1/kv/a -> 204
            holdfast kv delete -format=json kv/a
            stdout-json
            """
        )
    }

    @Test("kv list, delete, undelete, destroy, metadata")
    func kvRest() async throws {
        try await Script.run(
            """
            server GET /v1/sys/internal/ui/mounts/secret/f -> 200 \(Self.versioned)
            server GET /v1/secret/metadata/f?list=true -> 200 {"request_id":"r","data":{"keys":["a","b/"]}}
            holdfast kv list secret/f/
            stdout-is
            |Keys
            |----
            |a
            |b/
            server GET /v1/sys/internal/ui/mounts/secret/f -> 200 \(Self.versioned)
            server GET /v1/secret/metadata/f?list=true -> 404 {"errors":[]}
            !2 holdfast kv list secret/f -format=json
            stdout-empty
            stderr 'no value found at secret/metadata/f'
            stderr 'hint: holdfast kv list secret'
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server PUT /v1/secret/delete/a {"versions":[1,2]} -> 204
            holdfast kv delete -versions=1,2 secret/a
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server PUT /v1/secret/undelete/a {"versions":[2]} -> 204
            holdfast kv undelete -versions 2 secret/a
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server PUT /v1/secret/destroy/a {"versions":[3]} -> 204
            holdfast kv destroy -versions=3 secret/a
            !64 holdfast kv destroy -versions=3,x secret/a
            !64 holdfast kv destroy secret/a
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server PUT /v1/secret/metadata/a {"max_versions":4,"cas_required":true,"delete_version_after":"72h","custom_metadata":{"k":"v=w"}} -> 204
            holdfast kv metadata put -max-versions=4 -cas-required=true -delete-version-after=72h -custom-metadata=k=v=w secret/a
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server GET /v1/secret/metadata/a -> 200 {"request_id":"r","data":{"current_version":10,"versions":{"10":{"destroyed":false},"9":{"destroyed":true}}}}
            holdfast kv metadata get secret/a
            stdout-is
            |======= Metadata =======
            |Key                Value
            |---                -----
            |current_version    10
            |
            |==== Version 9 ====
            |Key          Value
            |---          -----
            |destroyed    true
            |
            |=== Version 10 ===
            |Key          Value
            |---          -----
            |destroyed    false
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server DELETE /v1/secret/metadata/a -> 204
            holdfast kv metadata delete secret/a
            server GET /v1/sys/internal/ui/mounts/secret/a -> 200 \(Self.versioned)
            server GET /v1/secret/data/a -> 404 {"request_id":"r","data":{"data":null,"metadata":{"version":3,"destroyed":false,"deletion_time":"T"}}}
            !2 holdfast kv get secret/a
            stdout 'deletion_time    T'
            stderr 'version 3 of secret/a is deleted'
            stderr 'hint: holdfast kv undelete -versions=3 secret/a'
            """
        )
    }

    @Test("read, write, list, delete")
    func logical() async throws {
        try await Script.run(
            """
            server GET /v1/sys/tools/x?a%20b=c%26d -> 200 {"request_id":"r","lease_id":"l/1","renewable":true,"lease_duration":3661,"data":{"z":1,"a":"b"},"warnings":["old path"]}
            holdfast read sys/tools/x 'a b=c&d'
            stdout-is
            |Key                Value
            |---                -----
            |a                  b
            |lease_duration     1h1m1s
            |lease_id           l/1
            |lease_renewable    true
            |z                  1
            stderr 'holdfast: warning: old path'
            server GET /v1/x -> 200 {"request_id":"r","lease_id":"","data":{"a":"b"},"a":"b","auth":null}
            holdfast read -format=json x
            stdout-is
            |{
            |  "request_id": "r",
            |  "lease_id": "",
            |  "data": {
            |    "a": "b"
            |  },
            |  "auth": null
            |}
            server GET /v1/x -> 404 {"errors":["no handler for route"]}
            !2 holdfast read x
            stderr 'answered 404: no handler for route'
            server PUT /v1/y null -> 204
            holdfast write -f y
            stdout-is
            |data written to: y
            server PUT /v1/y {"a":{"b":[1]},"c":"d"} -> 200 {"request_id":"r","data":null,"auth":{"client_token":"s.new","accessor":"acc","lease_duration":60,"renewable":false,"policies":["default"],"token_policies":["default"]}}
            pipe {"a":{"b":[1]}}
            holdfast write y - c=d
            stdout 'token_duration     1m0s'
            stdout 'token              s.new'
            !64 holdfast write y
            stderr '-force'
            server GET /v1/y?list=true -> 200 {"request_id":"r","data":{"keys":["a"]}}
            holdfast list -format=json y
            stdout-is
            |[
            |  "a"
            |]
            server DELETE /v1/y -> 204
            holdfast delete y
            server GET /v1/z -> 503 {"errors":["Vault is sealed"]}
            !2 holdfast read z
            stderr 'hint: holdfast unseal'
            server GET /v1/z -> 403 {"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}
            !2 holdfast read z
            stderr 'answered 403: 1 error occurred: permission denied'
            stderr 'hint: holdfast login'
            """
        )
    }

    @Test("login checks the token and does not show it")
    func login() async throws {
        try await Script.run(
            """
            server GET /v1/auth/token/lookup-self -> 200 {"request_id":"r","data":{"id":"s.typed","policies":["root"]}}
            type s.typed
            holdfast login -no-store
            stdout 'policies    [root]'
            ! stdout 's.typed'
            ! stderr 's.typed'
            server GET /v1/auth/token/lookup-self -> 200 {"request_id":"r","data":{"id":"s.typed","policies":["root"]}}
            pipe s.typed\\n
            !1 holdfast login
            stderr 'HOME is not set'
            """
        )
    }

    @Test("login with a password or a secret id, neither of which is an argument or shown")
    func loginMethods() async throws {
        try await Script.run(
            """
            server PUT /v1/auth/userpass/login/bob -> 200 {"request_id":"r","data":null,"auth":{"client_token":"s.made","token_policies":["default"]}}
            type open-sesame
            holdfast login -no-store -method=userpass username=bob
            stdout 'token_policies    [default]'
            ! stdout 'open-sesame'
            ! stderr 'open-sesame'
            server PUT /v1/auth/ci/login -> 200 {"request_id":"r","data":null,"auth":{"client_token":"s.made","token_policies":["default"]}}
            pipe the-secret-id\\n
            holdfast login -no-store -method=approle -path=ci role_id=me
            stdout 's.made'
            ! stderr 'the-secret-id'
            server PUT /v1/auth/cert/login -> 200 {"request_id":"r","data":null,"auth":{"client_token":"s.made","token_policies":["default"]}}
            holdfast login -no-store -method=cert name=web
            stdout 's.made'
            !64 holdfast login -method=cert name=web -client-cert=web.pem
            stderr '-client-cert and -client-key go together'
            !64 holdfast login -method=cert password=x
            stderr 'takes name='
            !64 holdfast login -method=userpass username=bob password=open-sesame
            stderr 'the password is asked for'
            ! stderr 'open-sesame'
            !64 holdfast login -method=userpass
            stderr 'needs username='
            """
        )
    }

    @Test("seal")
    func seal() async throws {
        try await Script.run(
            """
            server PUT /v1/sys/seal -> 204
            holdfast seal -format=json
            stdout-is
            |{
            |  "sealed": true
            |}
            """
        )
    }

    @Test("a wrong command line is told with the help that fits, and exit code 64")
    func usage() async throws {
        try await Script.run(
            """
            !64 holdfast nonsense
            stderr 'hint: holdfast --help'
            !64 holdfast kv get
            stderr 'missing expected argument'
            stderr 'hint: holdfast kv get --help'
            !64 holdfast status -format=xml
            !64 holdfast kv put -cas=many secret/a x=y
            holdfast kv --help
            stdout 'undelete'
            env HOLDFAST_FORMAT=xml
            !1 holdfast status
            stderr 'HOLDFAST_FORMAT must be table or json'
            env HOLDFAST_FORMAT=json
            server PUT /v1/sys/seal -> 204
            holdfast seal
            stdout-json
            env HOLDFAST_ADDR=nonsense
            !1 holdfast seal
            stderr '"nonsense" is not an address'
            """
        )
    }

    @Test("cluster status")
    func clusterStatus() async throws {
        try await Script.run(
            """
            server GET /v1/sys/node-status -> 403 {"errors":["permission denied"]}
            server GET /v1/sys/storage/raft/configuration -> 403 {"errors":["permission denied"]}
            !2 holdfast cluster status
            stderr 'hint: holdfast login'
            server GET /v1/sys/node-status -> 200 {"node":"a","role":"leader"}
            !2 holdfast cluster status
            stderr 'a token that may read sys/node-status'
            stderr 'hint: holdfast login'
            server GET /v1/sys/node-status -> 404 {"errors":["no handler for route"]}
            server GET /v1/sys/storage/raft/configuration -> 200 {"request_id":"r","data":{"config":{"servers":[{"node_id":"b","address":"10.0.0.2:1","region":"us","zone":"us-a","api_address":"http://127.0.0.1:1","leader":false,"voter":true},{"node_id":"a","address":"10.0.0.1:1","region":"eu","zone":"eu-a","api_address":"http://127.0.0.1:1","leader":true,"voter":true}]}}}
            holdfast cluster status
            stdout-is
            |Node  Region  Zone  Role      State        Lag  Disk  Clock  Address
            |----  ------  ----  ----      -----        ---  ----  -----  -------
            |a     eu      eu-a  leader    unreachable  -    -     -      http://127.0.0.1:1
            |b     us      us-a  follower  unreachable  -    -     -      http://127.0.0.1:1
            |
            |survives: nothing: every voter is needed
            |now:      2 of 2 voters unreachable; no majority: 0 of the 2 that are needed
            |
            |warnings
            |  a: no connection to http://127.0.0.1:1: connection refused
            |    next: on its machine: systemctl status holdfast; journalctl -u holdfast -n 50
            |  b: no connection to http://127.0.0.1:1: connection refused
            |    next: on its machine: systemctl status holdfast; journalctl -u holdfast -n 50
            """
        )
    }

    @Test("cluster status: the bounds of -timeout are as its text says", arguments: ["0.1", "600"])
    func timeoutBound(_ seconds: String) async throws {
        try await Script.run(
            """
            server GET /v1/sys/node-status -> 404
            server GET /v1/sys/storage/raft/configuration -> 403 {"errors":["permission denied"]}
            !2 holdfast cluster status -timeout=\(seconds)
            """
        )
    }

    @Test(
        "cluster status: what is outside is refused before anybody is asked",
        arguments: ["0", "0.09", "600.1", "nan", "inf", "-1"]
    )
    func timeoutOutside(_ seconds: String) async throws {
        try await Script.run(
            """
            !64 holdfast cluster status -timeout=\(seconds)
            stderr 'from 0.1 to 600 seconds'
            stdout-empty
            """
        )
    }

    private static let members = """
        server GET /v1/sys/storage/raft/configuration -> 200 {"data":{"config":{"servers":[\
        {"node_id":"b","address":"h:2","api_address":"http://h:1","voter":true},\
        {"node_id":"a","address":"h:1","api_address":"http://h:2","leader":true,"voter":true}]}}}
        """

    @Test("changes of members: what was done, what to look at next, and wrong names")
    func clusterChanges() async throws {
        try await Script.run(
            """
            \(Self.members)
            server PUT /v1/sys/storage/raft/demote {"server_id":"b"} -> 204
            holdfast cluster demote b
            stdout-empty
            stderr 'done: demote b'
            stderr 'hint: holdfast cluster status'
            \(Self.members)
            !64 holdfast cluster remove c
            stderr 'no member is called c; the members are a, b'
            stderr 'hint: holdfast cluster remove --help'
            stdout-empty
            \(Self.members)
            server PUT /v1/sys/storage/raft/promote {"server_id":"a"} -> 500 {"errors":["server is not a non-voter"]}
            !2 holdfast cluster promote a -format=json
            stderr 'server is not a non-voter'
            stdout-empty
            server PUT /v1/sys/step-down -> 204
            holdfast cluster transfer
            stderr 'leadership was handed over'
            stdout-empty
            server PUT /v1/sys/cluster/transfer {"server_id":"z"} -> 400 {"errors":["no member is called z; the members are a, b"]}
            !2 holdfast cluster transfer z
            stderr 'no member is called z; the members are a, b'
            server PUT /v1/sys/cluster/replace {"old_server_id":"a","new_server_id":"c"} -> 204
            holdfast cluster replace a c
            stderr 'c votes in the place of a'
            stderr 'hint: holdfast cluster remove a'
            server PUT /v1/sys/cluster/join-token {"ttl_seconds":60} -> 200 {"data":{"token":"hfj1.x"}}
            holdfast cluster join-token -ttl=60
            stdout-is
            |hfj1.x
            stderr 'holdfast cluster join --config FILE'
            """
        )
    }

    @Test("changes of members as JSON: one document each, and none before the format is known")
    func clusterChangesAsJSON() async throws {
        try await Script.run(
            """
            \(Self.members)
            server PUT /v1/sys/storage/raft/remove-peer {"server_id":"b"} -> 204
            holdfast cluster remove b -format=json
            stdout-json
            stdout '"change": "remove"'
            stdout '"node": "b"'
            server PUT /v1/sys/cluster/transfer {"server_id":"b"} -> 204
            holdfast cluster transfer b -format=json
            stdout-json
            stdout '"node": "b"'
            env HOLDFAST_FORMAT=json
            server PUT /v1/sys/step-down -> 204
            holdfast cluster transfer
            stdout-json
            stdout '"node": null'
            server PUT /v1/sys/cluster/replace -> 204
            holdfast cluster replace a c
            stdout-json
            stdout '"replaced": "a"'
            env HOLDFAST_FORMAT=yaml
            !1 holdfast cluster join-token
            stderr 'table or json'
            !1 holdfast cluster transfer
            stdout-empty
            """
        )
    }
}
