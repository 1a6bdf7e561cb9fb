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
        /// Number of the entity that it belongs to.
        let entity: Int?
        var isRevoked = false
    }

    /// A token that is asked for.
    private struct Wish {
        var parent: Int?
        var seconds = 200
        var isBatch = false
        var uses: Int?
        var isRenewable = true
        var isOrphan = false
        /// Number of the entity that it is to belong to, whatever its parent's is.
        var alias: Int?

        var path: String {
            guard !isOrphan else { return "auth/token/create-orphan" }
            return alias == nil ? "auth/token/create" : "auth/token/create/r"
        }

        var body: String {
            var body = #"{"policies":["p"],"ttl":\#(seconds)"#
            if isBatch { body += #","type":"batch""# }
            if let uses { body += #","num_uses":\#(uses)"# }
            if !isRenewable { body += #","renewable":false"# }
            if let alias { body += #","entity_alias":"e\#(alias)""# }
            return body + "}"
        }
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
        /// Their ids, by their numbers.
        var entities: [Int: String] = [:]

        init(seed: UInt64) throws {
            vault = try TestVault(seed: seed)
            dice = Dice(state: seed)
            try vault.writePolicy(
                "p",
                #"path "*" { capabilities = ["create", "update", "read", "list", "sudo"] }"#
            )
            let role = #"{"orphan":false,"allowed_entity_aliases":["*"]}"#
            try #require(try vault.send("POST", "auth/token/roles/r", role).status == 204)
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
            case 15: try renewEntity()
            default: try use()
            }
        }

        private func create() throws {
            var wish = Wish(parent: dice.roll(4) == 0 ? nil : pick())
            wish.seconds = 5 + dice.roll(200)
            switch dice.roll(10) {
            case 0: wish.isBatch = true
            case 1: wish.uses = 1 + dice.roll(3)
            case 2: wish.isRenewable = false
            default: break
            }
            switch dice.roll(6) {
            case 0: wish.isOrphan = true
            case 1: wish.alias = dice.roll(3)
            default: break
            }
            try make(wish)
        }

        /// - Returns: its position; nil: there is none.
        @discardableResult
        private func make(_ wish: Wish) throws -> Int? {
            let parent = wish.parent.map { model.tokens[$0] }
            let owner = parent?.text ?? vault.rootToken
            let moment = next
            let isAllowed = wish.parent.map { model.isAlive($0, at: moment) } ?? true
            let answer = try vault.send(as: owner, "POST", wish.path, wish.body)
            if let position = wish.parent { spend(position, at: moment) }
            guard isAllowed, parent?.isBatch != true, parent?.usesLeft == nil else {
                try #require(answer.status == (isAllowed ? 400 : 403), "\(answer.text)")
                return nil
            }
            let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
            if let alias = wish.alias { entities[alias] = auth.text("entity_id") }
            let second: UInt64 = 1_000_000_000
            let begin = wish.isBatch ? moment / second * second : moment
            model.tokens.append(
                Token(
                    text: auth.text("client_token") ?? "",
                    accessor: auth.text("accessor") ?? "",
                    parent: wish.isOrphan ? nil : wish.parent,
                    end: begin + UInt64(wish.seconds) * second,
                    usesLeft: wish.uses,
                    isBatch: wish.isBatch,
                    isRenewable: wish.isRenewable && !wish.isBatch,
                    isMadeOrphan: wish.isOrphan && !wish.isBatch,
                    entity: wish.alias ?? (wish.isOrphan ? nil : parent?.entity)
                )
            )
            return model.tokens.count - 1
        }

        /// A token with more children than one batch sweeps, of all kinds, which is taken back in
        /// one of several ways: often with what it descends from right behind it.
        func burst() throws {
            let top = try #require(try make(Wish()))
            let root = try #require(try make(Wish(parent: top, alias: 0)))
            for number in 0..<TokenLimits.revocationsPerBatch + 16 {
                let alias = number % 3 == 0 ? 1 : nil
                let isBatch = number % 5 == 0
                let child = try make(Wish(parent: root, isBatch: isBatch, alias: alias))
                if number % 8 == 1 { try make(Wish(parent: child, isBatch: number % 16 == 1)) }
            }
            let way = dice.roll(4)
            if way == 0 { return try renewEntity(0) }
            try free(root)
            if way == 1 { try vault.work(stepsMax: 1) }
            guard way < 3 else { return }
            let body = #"{"token":"\#(model.tokens[top].text)"}"#
            try #require(try vault.send("POST", "auth/token/revoke", body).status == 204)
            model.revoke(top)
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
            if let position = pick() { try free(position) }
        }

        private func free(_ position: Int) throws {
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

        /// Takes the tokens of an entity back.
        private func renewEntity() throws { try renewEntity(dice.roll(3)) }

        private func renewEntity(_ number: Int) throws {
            guard let id = entities[number] else { return }
            let moment = next
            for isDisabled in [true, false] {
                let body = #"{"disabled":\#(isDisabled)}"#
                let answer = try vault.send("POST", "identity/entity/id/\(id)", body)
                try #require(answer.status == 204, "\(answer.text)")
            }
            for position in model.tokens.indices
            where model.tokens[position].entity == number && model.isAlive(position, at: moment) {
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
        for number in 0..<300 {
            if number == 200 { try run.burst() }
            try run.step()
        }
        try run.finish()
    }
}
