import Barrier
import Engines
import Wire

/// The auth method `token/` of a namespace. It is always there, so it has no record of its own
/// until somebody tunes it, and then one of its tuning only.
struct TokenMethod: Sendable, Equatable {
    let tuning: MountRecord.Tuning
    /// Of its record; 0 while there is none.
    let modificationIndex: UInt64

    /// As every namespace is born with it.
    static let untuned = TokenMethod(
        tuning: MountRecord.Tuning(description: BuiltInMount.token.description),
        modificationIndex: 0
    )

    /// The method as a view has it.
    static func load(_ view: borrowing BarrierView) throws(VaultError) -> TokenMethod {
        guard let opened = try view.systemRecord(SystemPaths.tokenMethod) else { return untuned }
        return TokenMethod(
            tuning: try tuning(decoding: opened.value),
            modificationIndex: opened.modificationIndex
        )
    }

    /// What ``load(_:)`` reads. Format 1: what mounts have of it, but for logins: nobody logs in
    /// here.
    static func encoded(_ tuning: MountRecord.Tuning) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeUInt8(1)
        tuning.write(to: &writer)
        return writer.bytes
    }

    private static func tuning(
        decoding bytes: [UInt8]
    ) throws(VaultError) -> MountRecord.Tuning {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "the tuning of auth/token/")
            let tuning = try MountRecord.Tuning(reading: &reader)
            try reader.finish()
            return tuning
        } catch {
            throw .damaged("tuning of auth/token/: \(error.summary)")
        }
    }

    /// What clients see as the kind of its tokens, which nothing changes.
    static func tokenType(in namespace: Namespace) -> String {
        namespace.isRoot ? "default-service" : "default"
    }
}

/// How long `token/` lets the tokens of a namespace live: as it was tuned there, and where nothing
/// was said there, as in the root namespace.
struct TokenLeases {
    private let own: TokenMethod
    /// Nil in the root namespace itself.
    private let root: TokenMethod?

    init(of call: VaultCall, _ view: borrowing BarrierView) throws(VaultError) {
        own = call.mounts.tokenMethod
        let isRoot = call.environment.namespace.isRoot
        root = isRoot ? nil : try call.environment.cache.mounts(view.at(.system)).tokenMethod
    }

    /// What a token's life is reckoned from.
    var time: LeaseTime {
        var time = LeaseTime()
        if let root { time.limit(by: root.tuning) }
        time.limit(by: own.tuning)
        return time
    }

    /// A token that is given a life rests on all that had a say in it.
    func check(in draft: inout BatchDraft) throws(VaultError) {
        let path = SystemPaths.tokenMethod
        try draft.check(path, own.modificationIndex)
        if let root { try draft.check(path, root.modificationIndex, in: .system) }
    }
}
