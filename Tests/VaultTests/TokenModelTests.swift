import Testing
import Wire

@testable import Vault

/// Random operations on tokens against a simple model: nothing outlives its parent, nothing that
/// lives is refused, and at the end nothing is left.
@Suite("tokens against a model")
struct TokenModelTests {
    /// A token as the model has it.
    private struct Token {
        let text: String
        let accessor: String
        var parent: Int?
        var end: UInt64
        var usesLeft: Int?
        let isBatch: Bool
        let isRenewable: Bool
        /// By `create-orphan`, with a lease of its own.
        let isMadeOrphan: Bool
        var isRevoked = false
    }

    private struct Model {
        var tokens: [Token] = []

        func isAlive(_ position: Int, at now: UInt64) -> Bool {
            let token = tokens[position]
            guard !token.isRevoked, now < token.end, token.usesLeft != 0 else { return false }
            return token.parent.map { isAlive($0, at: now) } ?? true
        }

        mutating func revoke(_ position: Int) { tokens[position].isRevoked = true }

        /// Its children live on, if they live.
        mutating func free(_ position: Int) {
            for child in tokens.indices where tokens[child].parent == position {
                tokens[child].parent = nil
            }
            revoke(position)
        }
    }

    /// SplitMix64.
    private struct Dice {
        var state: UInt64

        mutating func roll(_ bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return Int((mixed ^ mixed >> 31) % UInt64(bound))
        }
    }

    private final class Run {
        let vault: TestVault
        var model = Model()
        var dice: Dice

        init(seed: UInt64) throws {
            vault = try TestVault(seed: seed)
            dice = Dice(state: seed)
            try vault.writePolicy(
                "p",
                #"path "*" { capabilities = ["create", "update", "read", "list", "sudo"] }"#
            )
        }

        /// Cluster time of the next request.
        var next: UInt64 { vault.now + 1_000_003 }

        func pick() -> Int? {
            model.tokens.isEmpty ? nil : dice.roll(model.tokens.count)
        }

        func step() throws {
            switch dice.roll(20) {
            case 0..<7: try create()
            case 7..<9: try revoke()
            case 9: try free()
            case 10: try renew()
            case 11..<13: vault.now += UInt64(dice.roll(40)) * 1_000_000_000
            case 13: try vault.work(stepsMax: dice.roll(4))
            case 14: try revokePrefix()
            default: try use()
            }
        }

        private func create() throws {
            let parent = dice.roll(4) == 0 ? nil : pick()
            let seconds = 5 + dice.roll(200)
            let kind = dice.roll(10)
            let path =
                dice.roll(6) == 0 ? "auth/token/create-orphan" : "auth/token/create"
            var body = #"{"policies":["p"],"ttl":\#(seconds)"#
            if kind == 0 { body += #","type":"batch""# }
            let uses: Int? = kind == 1 ? 1 + dice.roll(3) : nil
            if let uses { body += #","num_uses":\#(uses)"# }
            let isRenewable = kind != 2
            if !isRenewable { body += #","renewable":false"# }
            let owner = parent.map { model.tokens[$0].text } ?? vault.rootToken
            let moment = next
            let isAllowed = parent.map { model.isAlive($0, at: moment) } ?? true
            let parentToken = parent.map { model.tokens[$0] }
            let answer = try vault.send(as: owner, "POST", path, body + "}")
            if let parent { spend(parent, at: moment) }
            guard isAllowed, parentToken?.isBatch != true, parentToken?.usesLeft == nil else {
                try #require(answer.status == (isAllowed ? 400 : 403), "\(answer.text)")
                return
            }
            let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
            let second: UInt64 = 1_000_000_000
            let isBatch = kind == 0
            let begin = isBatch ? moment / second * second : moment
            model.tokens.append(
                Token(
                    text: auth.text("client_token") ?? "",
                    accessor: auth.text("accessor") ?? "",
                    parent: path == "auth/token/create" ? parent : nil,
                    end: begin + UInt64(seconds) * second,
                    usesLeft: uses,
                    isBatch: isBatch,
                    isRenewable: isRenewable && !isBatch,
                    isMadeOrphan: path != "auth/token/create" && !isBatch
                )
            )
        }

        private func spend(_ position: Int, at moment: UInt64) {
            guard model.isAlive(position, at: moment), let left = model.tokens[position].usesLeft
            else { return }
            model.tokens[position].usesLeft = left - 1
        }

        private func use() throws {
            guard let position = pick() else { return }
            let moment = next
            let isAlive = model.isAlive(position, at: moment)
            let found = try vault.isAlive(model.tokens[position].text)
            spend(position, at: moment)
            try #require(found == isAlive, "token \(position) at \(moment)")
        }

        private func revoke() throws {
            guard let position = pick() else { return }
            let token = model.tokens[position]
            let isAlive = model.isAlive(position, at: next)
            let (path, body): (String, String)
            switch dice.roll(3) {
            case 0 where !token.isBatch:
                (path, body) = ("revoke-accessor", #"{"accessor":"\#(token.accessor)"}"#)
            case 1 where !token.isBatch:
                let moment = next
                let answer = try vault.send(as: token.text, "POST", "auth/token/revoke-self", "")
                try #require(answer.status == (model.isAlive(position, at: moment) ? 204 : 403))
                if isAlive { model.revoke(position) }
                return
            default: (path, body) = ("revoke", #"{"token":"\#(token.text)"}"#)
            }
            let answer = try vault.send("POST", "auth/token/\(path)", body)
            if token.isBatch {
                try #require(answer.status == (isAlive ? 400 : 204))
                return
            }
            try #require(answer.status < 300)
            if isAlive { model.revoke(position) }
        }

        private func free() throws {
            guard let position = pick() else { return }
            let token = model.tokens[position]
            let isAlive = model.isAlive(position, at: next)
            let body = #"{"token":"\#(token.text)"}"#
            let answer = try vault.send("POST", "auth/token/revoke-orphan", body)
            let isDone = isAlive && !token.isBatch
            try #require(answer.status == (isDone ? 204 : 400))
            // Batch tokens name their parent for ever: they die with it all the same.
            guard isDone else { return }
            let batches = model.tokens.indices.filter {
                model.tokens[$0].isBatch && model.tokens[$0].parent == position
            }
            model.free(position)
            for batch in batches { model.revoke(batch) }
        }

        private func renew() throws {
            guard let position = pick() else { return }
            let token = model.tokens[position]
            let moment = next
            let isAlive = model.isAlive(position, at: moment)
            let seconds = 5 + dice.roll(100)
            let body = #"{"token":"\#(token.text)","increment":\#(seconds)}"#
            let answer = try vault.send("POST", "auth/token/renew", body)
            let isDone = isAlive && token.isRenewable
            try #require(answer.status == (isDone ? 200 : 400), "\(answer.text)")
            if isDone { model.tokens[position].end = moment + UInt64(seconds) * 1_000_000_000 }
        }

        private func revokePrefix() throws {
            guard dice.roll(8) == 0 else { return }
            let moment = next
            let path = "sys/leases/revoke-prefix/auth/token/create-orphan"
            try #require(try vault.send("PUT", path, "{}").status == 204)
            for position in model.tokens.indices
            where model.tokens[position].isMadeOrphan && model.isAlive(position, at: moment) {
                model.revoke(position)
            }
        }

        /// All that lives is looked at, then everything is taken back and swept.
        func finish() throws {
            for position in model.tokens.indices where model.tokens[position].usesLeft == nil {
                let isAlive = model.isAlive(position, at: next)
                try #require(try vault.isAlive(model.tokens[position].text) == isAlive)
            }
            try vault.work()
            for token in model.tokens where !token.isBatch {
                let body = #"{"token":"\#(token.text)"}"#
                try #require(try vault.send("POST", "auth/token/revoke", body).status == 204)
            }
            vault.now += 300_000_000_000
            try vault.work()
            // The root token of `init` and its accessor.
            try #require(try vault.leftovers().count == 2)
        }
    }

    @Test("random operations", arguments: 1...12)
    func random(_ seed: UInt64) throws {
        let run = try Run(seed: seed)
        for _ in 0..<300 { try run.step() }
        try run.finish()
    }
}
