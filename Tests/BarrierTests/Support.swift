import Cryptography
import FoundationEssentials
import Shamir
import Store
import Testing
import Wire

@testable import Barrier

/// A real store in a folder of its own, with a log of committed batches.
final class TestStore {
    let folder: String
    let local: LocalStore
    private(set) var lastIndex: UInt64 = 0

    init() throws {
        let name = "barrier-tests-" + Hex.encode(try Random.bytes(8))
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        var options = StoreOptions()
        options.mapBytes = 256 << 20
        options.preallocateStepBytes = 1 << 20
        options.reserveBytes = 1 << 20
        local = try LocalStore.open(folder: folder, options: options) { sha256($0) }
        try local.saveVote(term: 1, vote: 1)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What log and evaluation do to a batch that is proposed, through its encoding.
    @discardableResult
    func commit(_ batch: WriteBatch) throws -> Evaluation {
        let body = batch.encoded()
        let decoded = try WriteBatch(decoding: body)
        let index = lastIndex + 1
        let evaluation = try local.view { view throws(StoreError) in
            try evaluate(decoded, at: index, in: view)
        }
        var layers: [OverlayLayer] = []
        if case .applied(let layer) = evaluation { layers.append(layer) }
        try apply(layers, body: body)
        return evaluation
    }

    /// Puts bytes where a record should be, as damage or an attacker at the disk would.
    func overwrite(_ key: StorageKey, with bytes: [UInt8]?) throws {
        let layer = OverlayLayer(index: lastIndex + 1, writes: [(key, bytes)], requestID: nil)
        try apply([layer], body: [])
    }

    /// Replaces a record by what `change` makes of it, keeping its modification index.
    func alter(_ key: StorageKey, _ change: (Record) -> Record) throws {
        let record = try #require(try record(key))
        try overwrite(key, with: change(record).encoded())
    }

    func record(_ key: StorageKey) throws -> Record? {
        try local.view { view throws(StoreError) in try view.record(key) }
    }

    /// All of the file that LMDB keeps data in.
    func fileBytes() throws -> [UInt8] {
        let path = folder + "/holdfast.mdb"
        return [UInt8](try #require(FileManager.default.contents(atPath: path)))
    }

    private func apply(_ layers: [OverlayLayer], body: [UInt8]) throws {
        lastIndex += 1
        let index = lastIndex
        try local.write { transaction throws(StoreError) in
            try transaction.setHardState(term: 1, vote: 1, commit: index - 1)
            try transaction.appendEntries([StoredEntry(index: index, term: 1, kind: 1, body: body)])
            try transaction.setHardState(term: 1, vote: 1, commit: index)
            try transaction.apply(layers: layers, appliedIndex: index, appliedTerm: 1)
        }
        local.markEvaluated(through: index)
    }
}

/// A vault in a store: created, with its shares at hand.
final class TestVault {
    let store: TestStore
    let shares: [String]
    let rootToken: String
    let record: SealRecord
    let keyring: Keyring

    /// A mount beside the system mount, made with the vault.
    static let mount = MountID([UInt8](repeating: 0xAB, count: 16)) ?? .system

    convenience init(layout: ShareLayout? = nil, seed: UInt8 = 1) throws {
        try self.init(in: TestStore(), layout: layout, seed: seed)
    }

    /// Creates a vault in `store` and unseals it with all shares it needs.
    init(in store: TestStore, layout: ShareLayout? = nil, seed: UInt8 = 1) throws {
        let layout = try layout ?? ShareLayout(threshold: 3, of: 5)
        let made = try create(layout, seed: seed, in: store)
        guard case .applied = try store.commit(made.batch) else {
            throw TestFailure("the creating batch was rejected")
        }
        self.store = store
        shares = made.shares.map { $0.hex }
        rootToken = String(decoding: made.rootToken.exposedCopy(), as: UTF8.self)
        record = made.sealRecord
        keyring = try unseal(store, made.shares.map { $0.words })
    }

    /// Runs `body` on a view of the vault.
    func view<Value>(_ body: (borrowing BarrierView) throws -> Value) throws -> Value {
        try store.local.view { view throws(any Error) in
            try body(BarrierView(keyring, over: view))
        }
    }

    func read(_ path: String, _ mount: MountID = mount) throws -> [UInt8]? {
        try view { try $0.read(mount, path)?.value }
    }

    func list(_ directory: String, _ mount: MountID = mount) throws -> [String] {
        try view { try $0.list(mount, directory: directory) }
    }

    /// A builder on the present state.
    func builder(attempt: UInt32 = 0, seed: [UInt8]? = nil) throws -> BatchBuilder {
        let seed = try seed ?? Random.bytes(32)
        try view { try $0.loadKeys(Self.mount) }
        return BatchBuilder(
            keyring: keyring,
            baseIndex: store.lastIndex,
            requestID: sha256(seed).prefix(16).map { $0 },
            time: 1_700_000_000_000_000_000,
            entropy: Entropy(seed: seed, attempt: attempt)
        )
    }

    /// Builds and commits.
    @discardableResult
    func change(
        _ body: (inout BatchBuilder) throws(BarrierError) -> Void
    ) throws -> Evaluation {
        var builder = try builder()
        try body(&builder)
        return try store.commit(try builder.finish())
    }

    func put(_ path: String, _ value: [UInt8], _ mount: MountID = mount) throws {
        let evaluation = try change { builder throws(BarrierError) in
            try builder.put(mount, path, value)
        }
        guard case .applied = evaluation else { throw TestFailure("put was rejected") }
    }

    func delete(_ path: String) throws {
        try change { builder throws(BarrierError) in try builder.delete(Self.mount, path) }
    }

    /// Where a path's record is stored.
    func key(_ path: String, _ mount: MountID = mount) throws -> StorageKey {
        let keys = try #require(keyring.cachedKeys(of: mount))
        return keys.storageKey(of: try BarrierPath(path))
    }
}

struct TestFailure: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// A vault that is not stored yet.
func create(_ layout: ShareLayout, seed: UInt8, in store: TestStore) throws -> CreatedVault {
    try VaultCreation.make(
        layout: layout,
        facts: VaultCreation.Facts(
            baseIndex: store.lastIndex,
            requestID: [UInt8](repeating: seed, count: 16),
            time: 1_700_000_000_000_000_000,
            epoch: 7
        ),
        entropy: Entropy(seed: [UInt8](repeating: seed, count: 32))
    ) { builder, token throws(BarrierError) in
        let path = builder.keyring.tokenPath(token.exposedCopy())
        try builder.put(.system, "token/" + path, Array("root".utf8))
        try builder.createMount(TestVault.mount)
        try builder.put(TestVault.mount, "first", [1, 2, 3])
    }
}

/// Gives shares until the vault opens.
func unseal(_ store: TestStore, _ shares: [String], epoch: UInt64 = 7) throws -> Keyring {
    switch try tryUnseal(store, shares, epoch: epoch) {
    case .opened(let keyring): return keyring
    case .failed(let error): throw error
    }
}

/// Gives shares until enough were given, and what came of opening.
func tryUnseal(
    _ store: TestStore,
    _ shares: [String],
    epoch: UInt64 = 7
) throws -> SealMachine.OpenOutcome {
    try store.local.view { view throws(any Error) in
        let record = try #require(try SealRecord.load(view))
        var machine = SealMachine(record)
        for share in shares {
            switch machine.shareArrived(share, freshAttempt: [UInt8](repeating: 9, count: 16)) {
            case .needMore: continue
            case .complete: return machine.open(view, epoch: epoch)
            case .refused(let error, _): throw error
            }
        }
        throw TestFailure("\(shares.count) shares were not enough")
    }
}

/// The error that a closure ends with, if it is one of the barrier's.
func barrierError(_ body: () throws -> Void) -> BarrierError? {
    do {
        try body()
        return nil
    } catch {
        return error as? BarrierError
    }
}

extension [UInt8] {
    /// Whether `pattern` occurs anywhere.
    func contains(sequence pattern: [UInt8]) -> Bool {
        guard let first = pattern.first, count >= pattern.count else { return false }
        var start = startIndex
        while let found = self[start...].firstIndex(of: first) {
            guard found + pattern.count <= endIndex else { return false }
            if self[found..<found + pattern.count].elementsEqual(pattern) { return true }
            start = found + 1
        }
        return false
    }
}
