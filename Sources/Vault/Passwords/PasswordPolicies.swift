import Barrier
import Cryptography
import Engines
import Policy
import Wire

/// `sys/policies/password…`: what passwords look like, and new ones that look so.
struct PasswordPolicies {
    let call: VaultCall
    let authority: Authority

    /// - Parameter path: below `sys/policies/password`, with its slash.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let operation = call.request.operation
        guard let name = path.below("/"), !name.isEmpty else {
            guard operation == .list else { throw .engine(.unsupportedOperation) }
            return .answer(try list(view))
        }
        if let name = name.withoutGenerate {
            guard operation == .read else { throw .engine(.unsupportedOperation) }
            return .answer(try generate(name, view))
        }
        switch operation {
        case .read: return .answer(try read(name, view))
        case .update: return try write(name, view)
        case .delete: return try delete(name, view)
        default: throw .engine(.unsupportedOperation)
        }
    }

    private func warnings() throws(VaultError) -> [String] {
        try SystemFields.parse(call.request.fields, FieldSchema([], captured: ["name"])).warnings
    }

    private func list(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        var names: [String] = []
        for stored in try view.systemNames(SystemPaths.passwordPolicies) {
            guard let name = StoredName.decode(stored) else {
                throw .damaged("a password policy's record has a name that none has")
            }
            names.append(name)
        }
        guard !names.isEmpty else { throw .notFound }
        names.sort { utf8Precedes($0, $1) }
        let data: JSONValue = ["keys": .array(names.map { .string($0) })]
        return try answer(data)
    }

    private func read(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        try answer(["policy": .string(try stored(name, view).record.text)])
    }

    private func generate(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let text = try stored(name, view).record.text
        let policy: PasswordPolicy
        do throws(PasswordPolicyError) {
            policy = try PasswordPolicy(parsing: text)
        } catch {
            throw .damaged("password policy \(GoText.quoted(name)): \(error.summary)")
        }
        var entropy = entropy
        let found = policy.password(tries: VaultLimits.passwordTriesMax) {
            entropy.secret($0).exposedCopy()
        }
        guard let password = found else {
            throw .engine(.failed("no password was found: are the rules impossible?"))
        }
        return try answer(["password": .string(password)])
    }

    private func answer(_ data: JSONValue) throws(VaultError) -> VaultAnswer {
        VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: try warnings())
        )
    }

    // MARK: writing

    private func write(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let schema = FieldSchema([("policy", .text)], captured: ["name"])
        let fields = try SystemFields.parse(call.request.fields, schema)
        guard name.utf8.count <= VaultLimits.policyNameBytesMax else {
            throw Self.refusal(
                "the name of a policy has 1 to \(VaultLimits.policyNameBytesMax) bytes"
            )
        }
        guard let given = fields.text("policy"), !given.isEmpty else {
            throw Self.refusal("missing policy")
        }
        let text = Self.plain(given)
        let policy = try Self.parsed(text)
        try tryOut(policy)
        let old = try PasswordPolicyRecord.read(name, view)
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        let path = SystemPaths.passwordPolicy(name)
        try draft.check(path, old?.modificationIndex ?? 0)
        try draft.put(path, PasswordPolicyRecord(text: text).encoded())
        guard !policy.ignored.isEmpty else { return .commit(try draft.finish(), .empty) }
        let names = policy.ignored.joined(separator: " ")
        let warning = "these mean nothing in a password policy and were ignored: [\(names)]"
        return try draft.commit(VaultAnswer(EngineAnswer(warnings: [warning])))
    }

    private func delete(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let old = try PasswordPolicyRecord.read(name, view) else { return .answer(.empty) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.passwordPolicy(name), old.modificationIndex)
        try draft.delete(SystemPaths.passwordPolicy(name))
        return .commit(try draft.finish(), .empty)
    }

    // MARK: inside

    private func stored(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: PasswordPolicyRecord, modificationIndex: UInt64) {
        guard let found = try PasswordPolicyRecord.read(name, view) else {
            throw .engine(.absent(GoText.errors(["policy does not exist"])))
        }
        return found
    }

    /// So that whoever writes an impossible policy hears of it, and not who needs a password at
    /// night.
    private func tryOut(_ policy: PasswordPolicy) throws(VaultError) {
        var entropy = entropy
        let tries = VaultLimits.passwordTriesWhenWritten
        for _ in 0..<10 {
            let found = policy.password(tries: tries) { entropy.secret($0).exposedCopy() }
            guard found != nil else {
                throw Self.refusal(
                    "no password was found in \(tries) draws: are the rules impossible?"
                )
            }
        }
    }

    private var entropy: Entropy {
        Entropy(seed: call.environment.seed, attempt: call.environment.attempt)
    }

    /// OpenBao takes the text in Base64, too.
    private static func plain(_ given: String) -> String {
        Base64.decode(given).flatMap { String(validating: $0, as: UTF8.self) } ?? given
    }

    private static func parsed(_ text: String) throws(VaultError) -> PasswordPolicy {
        do throws(PasswordPolicyError) {
            return try PasswordPolicy(parsing: text)
        } catch {
            switch error {
            case .senseless(let problems):
                throw refusal("invalid password policy: \(GoText.errors(problems))")
            case .unreadable: throw refusal("invalid password policy: \(error.summary)")
            case .length: throw refusal(error.summary)
            }
        }
    }

    private static func refusal(_ text: String) -> VaultError { .invalid(GoText.errors([text])) }
}

extension String {
    /// The policy's name of `<name>/generate`; nil for other paths.
    fileprivate var withoutGenerate: String? {
        let suffix = Array("/generate".utf8)
        guard utf8.count > suffix.count, utf8.suffix(suffix.count).elementsEqual(suffix) else {
            return nil
        }
        return String(decoding: utf8.dropLast(suffix.count), as: UTF8.self)
    }
}

/// A policy at rest. Format 1: its text.
struct PasswordPolicyRecord: Sendable, Equatable {
    let text: String

    static func read(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: PasswordPolicyRecord, modificationIndex: UInt64)? {
        guard name.utf8.count <= VaultLimits.policyNameBytesMax,
            let opened = try view.systemRecord(SystemPaths.passwordPolicy(name))
        else { return nil }
        return (try PasswordPolicyRecord(decoding: opened.value), opened.modificationIndex)
    }

    init(text: String) { self.text = text }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: text.utf8.count + 8)
        writer.writeUInt8(1)
        writer.writeString(text)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a password policy")
            text = try reader.readString(atMost: PolicyLimits.textBytesMax)
            try reader.finish()
        } catch {
            throw .damaged("password policy: \(error.summary)")
        }
    }
}
