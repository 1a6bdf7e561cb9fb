import Barrier
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// What tests of tokens and leases do with a vault.
extension TestVault {
    /// A token that a request made.
    struct Made {
        let token: String
        let accessor: String
        let auth: JSONObject
        let warnings: [String]
    }

    /// Makes a token and wants it to be made.
    @discardableResult
    func create(
        _ body: String = "{}",
        as owner: String? = nil,
        at path: String = "auth/token/create"
    ) throws -> Made {
        let answer = try send(as: owner ?? rootToken, "POST", path, body)
        guard answer.status == 200, let json = try answer.json().asObject,
            let auth = json["auth"]?.asObject, let token = auth["client_token"]?.asString,
            let accessor = auth["accessor"]?.asString
        else { throw TestFailure("\(path) \(body): \(answer.status) \(answer.text)") }
        let warnings = json["warnings"]?.asArray?.compactMap(\.asString) ?? []
        return Made(token: token, accessor: accessor, auth: auth, warnings: warnings)
    }

    /// Whether a token is good for a request.
    func isAlive(_ token: String) throws -> Bool {
        try send(as: token, "GET", "auth/token/lookup-self").status == 200
    }

    /// What `lookup` says about another token.
    func lookup(_ token: String) throws -> JSONObject {
        let body = JSONValue.object(["token": .string(token)]).encoded(sortingKeys: true)
        let answer = try send(
            as: rootToken,
            "POST",
            "auth/token/lookup",
            String(decoding: body, as: UTF8.self)
        )
        guard let data = try answer.json().asObject?["data"]?.asObject else {
            throw TestFailure("\(answer.status) \(answer.text)")
        }
        return data
    }

    /// Does what is due, as the leader would: everything, or some of it.
    ///
    /// - Returns: how many batches it took.
    @discardableResult
    func work(stepsMax: Int = 100_000) throws -> Int {
        var steps = 0
        while steps < stepsMax {
            let environment = environment()
            let timers = try view { try $0.dueTimers(through: environment.now, limit: 1) }.timers
            guard let timer = timers.first else { return steps }
            let step = try store.view { view throws(any Error) -> TaskStep in
                do throws(VaultError) {
                    return try VaultTasks.standard.wake(timer, in: environment, view: view)
                } catch {
                    return try VaultTasks.standard.postpone(
                        timer,
                        error.summary,
                        in: environment,
                        view: view
                    )
                }
            }
            steps += 1
            guard case .commit(let batch, _) = step else { continue }
            try commit(batch)
        }
        return steps
    }

    /// Every record below these folders, and every timer.
    func leftovers() throws -> [String] {
        try view { view in
            var found: [String] = []
            for folder in [
                SystemPaths.tokens, SystemPaths.accessors, SystemPaths.leases,
                SystemPaths.allChildren, SystemPaths.allEntities, SystemPaths.allUses,
                SystemPaths.jobs, "cubbyhole/",
            ] {
                let walk = try TreeWalk.leaves(below: folder, limit: 10_000, view)
                found += walk.leaves.map { folder + $0 }
            }
            let end = Timestamp(nanoseconds: .max)
            found += try view.dueTimers(through: end, limit: 1_000).timers.map {
                "timer of \($0.path)"
            }
            return found
        }
    }

    func hash(_ token: String) -> String { TokenPlace.hash(Array(token.utf8), keyring) }

    func leaseID(_ token: String, path: String = "auth/token/create") -> String {
        "\(path)/h\(hash(token))"
    }
}

extension JSONObject {
    func text(_ name: String) -> String? { self[name]?.asString }

    func number(_ name: String) -> Int? {
        if case .number(let number) = self[name] { Int(number.text) } else { nil }
    }

    func texts(_ name: String) -> [String]? { self[name]?.asArray?.compactMap(\.asString) }

    func flag(_ name: String) -> Bool? {
        if case .bool(let flag) = self[name] { flag } else { nil }
    }
}
