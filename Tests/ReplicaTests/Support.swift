import Glibc
import Logging
import Raft
import Store
import Synchronization
import TestSupport
import Wire

@testable import Replica

/// 32 bytes that depend on every input byte. Stands in for SHA-256, which the store is given.
@Sendable func testDigest(_ bytes: [UInt8]) -> [UInt8] {
    var random = Seeded(UInt64(crc32c(bytes)) << 32 | UInt64(bytes.count))
    var writer = ByteWriter(capacity: 32)
    for _ in 0..<4 { writer.writeUInt64(random.next()) }
    return writer.bytes
}

func index(_ number: UInt64) -> LogIndex { LogIndex(number: number) }
func term(_ number: UInt64) -> Term { Term(number: number) }
func node(_ number: UInt64) -> NodeID { NodeID(number: number) }
func token(_ number: UInt64) -> PersistToken { PersistToken(number: number) }

/// Voters 1 to `count`.
func voters(_ count: UInt64) -> Configuration {
    Configuration(
        members: (1...count).map { number in
            Member(
                id: node(number),
                name: "n\(number)",
                region: "r",
                zone: "z",
                peerAddress: "127.0.0.1:\(7_000 + number)",
                apiAddress: "https://127.0.0.1:\(8_000 + number)",
                pin: [UInt8](repeating: UInt8(number), count: 32),
                role: .voter
            )
        }
    )
}

/// A storage key that stands for a number.
func key(_ number: UInt64) -> StorageKey {
    var writer = ByteWriter(capacity: 32)
    for word in [0, number / 1_000, 0, number] { writer.writeUInt64(word) }
    guard let key = StorageKey(writer.bytes) else { preconditionFailure("32 bytes are a key") }
    return key
}

/// 16 bytes that stand for a number.
func requestID(_ number: UInt64) -> [UInt8] {
    var writer = ByteWriter(capacity: 16)
    writer.writeUInt64(0xA11C_E000)
    writer.writeUInt64(number)
    return writer.bytes
}

func record(_ value: [UInt8]) -> Record {
    Record(flags: 0, dataKeyID: 1, nameBox: [], valueBox: value)
}

/// A batch that puts `value` under each of `keys`, once, after `checks`.
func batch(
    _ number: UInt64,
    base: UInt64,
    put keys: [UInt64] = [],
    value: [UInt8] = [1],
    checks: [(key: UInt64, index: UInt64)] = []
) -> WriteBatch {
    WriteBatch(
        requestID: requestID(number),
        baseIndex: base,
        time: 1,
        dataKeyIDs: [1],
        operations: [.once(requestID: requestID(number))]
            + checks.map { .check(key($0.key), modificationIndex: $0.index) }
            + keys.map { .put(key($0), record(value)) }
    )
}

/// Small numbers, so that many stores can be open in one test run.
var smallOptions: StoreOptions {
    var options = StoreOptions()
    options.mapBytes = 1 << 30
    options.preallocateStepBytes = 1 << 20
    options.reserveBytes = 1 << 20
    options.readersMax = 16
    return options
}

/// A folder of its own for one test; removed with everything in it when the test ends.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        let root = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(root)/holdfast-replica-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "no temporary folder")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    func open() throws(StoreError) -> LocalStore {
        try LocalStore.open(folder: path + "/node", options: smallOptions) { [self] bytes in
            // Threads that have not quite ended hold the store, and so the folder.
            withExtendedLifetime(self) { testDigest(bytes) }
        }
    }

    /// The names of the files in the data folder.
    var files: [String] { Self.names(path + "/node").sorted() }

    private static func names(_ folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private static func remove(_ path: String) {
        // A link is removed, never followed.
        guard unsafe unlink(path) != 0 else { return }
        for name in names(path) { remove(path + "/" + name) }
        _ = unsafe rmdir(path)
    }
}

/// Gathers what callbacks on other threads bring.
final class Collector<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func add(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
    var count: Int { elements.withLock { $0.count } }
}

/// A wait that took far longer than anything healthy does.
struct TookTooLong: Error, CustomStringConvertible {
    let description: String
}

/// Looks every few milliseconds until `condition` holds. It gives up only after both the time and
/// a number of looks: where other tests fill all threads, one look may come a minute after the
/// last, and says nothing yet about what is waited for.
func eventually(
    _ what: String,
    seconds: Int = 120,
    _ condition: () throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var looks = 0
    while try !condition() {
        looks += 1
        guard ContinuousClock.now < deadline || looks < 1_000 else {
            throw TookTooLong(description: what)
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// The same on one thread, for tests that must stay on theirs.
func eventuallyBlocking(
    _ what: String,
    seconds: Int = 120,
    _ condition: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw TookTooLong(description: what) }
        usleep(2_000)
    }
}

/// Says only why the process ends, if it must.
let quietLogger: Logger = {
    var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .critical
    return logger
}()

/// The record of a node that starts for the first time in the cluster of these tests.
func clusterRecord(_ configuration: Configuration) -> ClusterRecord {
    ClusterRecord(
        clusterID: testDigest([7]),
        epoch: 0,
        incarnation: 0,
        bootCounter: 1,
        configuration: configuration.encoded(),
        formatLevel: 1
    )
}

extension ReplicaStart {
    /// What a store held, as a node reads it at its start.
    init(_ state: StoredState) {
        self.init(
            hardState: HardState(
                term: term(state.ballot.term),
                vote: state.ballot.vote.map(node),
                commit: index(state.point.commitIndex)
            ),
            applied: index(state.point.appliedIndex),
            logBase: index(state.point.base.index),
            cluster: state.cluster ?? clusterRecord(voters(3))
        )
    }
}
