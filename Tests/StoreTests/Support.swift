import Glibc
import Store
import TestSupport
import Wire

/// Small numbers, so that many stores can be open in one test run.
var smallOptions: StoreOptions {
    var options = StoreOptions()
    options.mapBytes = 1 << 30
    options.preallocateStepBytes = 1 << 20
    options.reserveBytes = 1 << 20
    options.readersMax = 16
    options.nanoseconds = { monotonicNanoseconds() }
    return options
}

private let testsBegan = ContinuousClock.now

private func monotonicNanoseconds() -> UInt64 {
    // Looked at first: a global is made when it is first asked for.
    let begin = testsBegan
    let (seconds, attoseconds) = (ContinuousClock.now - begin).components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
}

extension TemporaryFolder {
    /// The data folder of one node in it.
    var node: String { path + "/node" }

    func open(_ options: StoreOptions = smallOptions) throws -> LocalStore {
        try LocalStore.open(folder: node, options: options, digest: testDigest)
    }
}

/// The whole of a file.
func readFile(_ path: String) -> [UInt8] {
    let file = unsafe open(path, O_RDONLY)
    precondition(file >= 0, "cannot open \(path)")
    defer { _ = close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = unsafe read(file, &buffer, buffer.count)
        precondition(count >= 0, "cannot read \(path)")
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}

/// Replaces a file's content.
func writeFile(_ path: String, _ bytes: [UInt8]) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(file >= 0, "cannot open \(path)")
    defer { _ = close(file) }
    var done = 0
    while done < bytes.count {
        let part = Array(bytes[done...].prefix(1 << 20))
        let count = unsafe write(file, part, part.count)
        precondition(count > 0, "cannot write \(path)")
        done += count
    }
}

/// Flips one bit of the byte at `offset`.
func flip(_ path: String, at offset: Int) {
    let file = unsafe open(path, O_RDWR)
    precondition(file >= 0, "cannot open \(path)")
    defer { _ = close(file) }
    var byte: [UInt8] = [0]
    precondition(unsafe pread(file, &byte, 1, off_t(offset)) == 1, "cannot read \(path)")
    byte[0] ^= 0x10
    precondition(unsafe pwrite(file, byte, 1, off_t(offset)) == 1, "cannot write \(path)")
}

/// Removes a file that is there.
func deleteFile(_ path: String) {
    precondition(unsafe unlink(path) == 0, "cannot delete \(path)")
}

/// Cuts a file off after `bytes`.
func cutFile(_ path: String, to bytes: Int) {
    precondition(unsafe truncate(path, off_t(bytes)) == 0, "cannot cut \(path)")
}

/// What the file `FORMAT` of a new folder says; the checksum is another program's.
let newestFormat = "holdfast store 6 7e3b3446\n"

func fileExists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

/// The permission bits of a file.
func permissionBits(_ path: String) -> UInt32 {
    var status = stat()
    precondition(unsafe stat(path, &status) == 0, "cannot look at \(path)")
    return status.st_mode & 0o777
}

// MARK: values

/// Key number `name` of directory number `directory`.
func key(_ directory: UInt8, _ name: UInt8) -> StorageKey {
    let first = [UInt8](repeating: directory, count: 16)
    let second = [UInt8](repeating: 0, count: 15) + [name]
    return StorageKey(first + second) ?? StorageKey.zero
}

func prefix(_ directory: UInt8) -> DirectoryPrefix { key(directory, 0).directory }

extension StorageKey {
    static var zero: StorageKey {
        guard let key = StorageKey([UInt8](repeating: 0, count: 32)) else {
            preconditionFailure("32 bytes are a key")
        }
        return key
    }
}

func record(_ value: String, name: String = "name") -> Record {
    Record(flags: 1, dataKeyID: 7, nameBox: Array(name.utf8), valueBox: Array(value.utf8))
}

func requestID(_ number: UInt64) -> [UInt8] {
    var writer = ByteWriter(capacity: 16)
    writer.writeUInt64(0xABCD)
    writer.writeUInt64(number)
    return writer.bytes
}

func batch(_ operations: [BatchOperation], id: UInt64 = 1) -> WriteBatch {
    WriteBatch(
        requestID: requestID(id),
        baseIndex: 3,
        time: 1_700_000_000_000_000_000,
        dataKeyIDs: [7],
        operations: operations
    )
}

func entry(_ index: UInt64, term: UInt64 = 1, body: [UInt8] = [1, 2, 3]) -> StoredEntry {
    StoredEntry(index: index, term: term, kind: 1, body: body)
}

let testCluster = ClusterRecord(
    clusterID: [UInt8](repeating: 0xC1, count: 32),
    epoch: 1,
    incarnation: 2,
    bootCounter: 3,
    configuration: Array("three nodes".utf8),
    formatLevel: 1
)

extension LocalStore {
    /// Log entries 1... in term 1, so that layers up to `count` may be applied.
    func fillLog(_ count: UInt64) throws {
        try write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
            try transaction.appendEntries((1...count).map { entry($0) })
        }
    }

    /// Evaluates a batch at the next index and appends its layer.
    @discardableResult
    func commit(_ operations: [BatchOperation], id: UInt64 = 0) throws -> Evaluation {
        let (index, evaluation) = try view { view in
            let index = view.evaluatedIndex + 1
            return (index, try evaluate(batch(operations, id: id), at: index, in: view))
        }
        if case .applied(let layer) = evaluation {
            appendLayer(layer)
        } else {
            markEvaluated(through: index)
        }
        return evaluation
    }

    /// Applies everything evaluated through `index`.
    func applyThrough(_ index: UInt64) throws {
        try write { (transaction) throws(StoreError) in
            let layers = layers(after: transaction.point.appliedIndex, through: index)
            try transaction.apply(layers: layers, appliedIndex: index, appliedTerm: 1)
        }
        pruneOverlay(through: index)
    }

    func value(_ key: StorageKey) throws -> String? {
        try view { try $0.record(key).map { String(decoding: $0.valueBox, as: UTF8.self) } }
    }

    func index(_ key: StorageKey) throws -> UInt64? {
        try view { try $0.record(key)?.modificationIndex }
    }

    func keys(_ directory: DirectoryPrefix, after: StorageKey? = nil) throws -> [StorageKey] {
        var keys: [StorageKey] = []
        try view { view in
            try view.scan(directory, after: after) { key, _ in
                keys.append(key)
                return true
            }
        }
        return keys
    }
}
