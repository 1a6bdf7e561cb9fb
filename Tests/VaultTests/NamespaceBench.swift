import Barrier
import Store
import Wire

@testable import Vault

extension TestVault {
    /// Sends a request to a namespace, named by the header.
    @discardableResult
    func send(
        in namespace: String,
        as token: String? = nil,
        _ method: String,
        _ path: String,
        _ body: String = ""
    ) throws -> Answer {
        var headers = namespace.isEmpty ? [] : [("X-Vault-Namespace", namespace)]
        if method == "PATCH" { headers.append(("Content-Type", "application/merge-patch+json")) }
        return try send(
            Call(
                method: method,
                target: "/v1/" + path,
                body: Array(body.utf8),
                headers: headers,
                token: token
            )
        )
    }

    /// Makes a namespace, and those above it that are missing.
    @discardableResult
    func makeNamespace(_ path: String) throws -> Answer {
        var above = ""
        var answer: Answer?
        for name in path.split(separator: "/") {
            let there = try send(in: above, "GET", "sys/namespaces/\(name)")
            answer =
                there.status == 200
                ? there : try send(in: above, "POST", "sys/namespaces/\(name)", "{}")
            above += "\(name)/"
        }
        guard let answer, answer.status == 200 else {
            throw TestFailure("\(path): \(answer?.text ?? "")")
        }
        return answer
    }

    /// A token of a namespace that may do everything there and below.
    func adminToken(of namespace: String) throws -> String {
        let all = #"["create","read","update","patch","delete","list","scan","sudo"]"#
        let text = #"path \"*\" { capabilities = \#(all.replacing("\"", with: #"\""#)) }"#
        let policy = #"{"policy":"\#(text)"}"#
        let written = try send(in: namespace, "PUT", "sys/policies/acl/admin", policy)
        guard written.status == 204 else { throw TestFailure(written.text) }
        return try createToken(in: namespace, #"{"policies":["admin"],"no_parent":true}"#)
    }

    func createToken(
        in namespace: String,
        _ body: String,
        as owner: String? = nil
    ) throws -> String {
        let made = try send(in: namespace, as: owner, "POST", "auth/token/create", body)
        guard let token = try made.json().asObject?["auth"]?.asObject?.text("client_token") else {
            throw TestFailure("\(namespace): \(made.status) \(made.text)")
        }
        return token
    }

    /// The same once there was a job: the count of jobs and its folder stay from the first one on.
    func recordCountAfterAJob() throws -> Int {
        try makeNamespace("first")
        try send("DELETE", "sys/namespaces/first")
        try work()
        return try recordCount()
    }

    /// How many records the store has, whatever they are.
    func recordCount() throws -> Int {
        guard let first = StorageKey([UInt8](repeating: 0, count: 32)),
            let last = StorageKey([UInt8](repeating: 0xFF, count: 32))
        else { throw TestFailure("a storage key has 32 bytes") }
        return try store.view { view throws(StoreError) in
            try view.firstKeys(of: [first...last], limit: .max) { $0 < $1 }.count
        }
    }
}

extension String {
    fileprivate func replacing(_ text: String, with other: String) -> String {
        var result = ""
        for character in self { result += String(character) == text ? other : String(character) }
        return result
    }
}
