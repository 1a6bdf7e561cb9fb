import Glibc
import Raft
import Store
import TestSupport
import Wire

@testable import Replica

func index(_ number: UInt64) -> LogIndex { LogIndex(number: number) }
func term(_ number: UInt64) -> Term { Term(number: number) }
func node(_ number: UInt64) -> NodeID { NodeID(number: number) }
func token(_ number: UInt64) -> PersistToken { PersistToken(number: number) }

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

extension TemporaryFolder {
    func open(_ options: StoreOptions = smallOptions) throws(StoreError) -> LocalStore {
        try LocalStore.open(folder: path + "/node", options: options) { [self] bytes in
            // Threads that have not quite ended hold the store, and so the folder.
            withExtendedLifetime(self) { testDigest(bytes) }
        }
    }

    /// The names of the files in the data folder.
    var files: [String] { Self.names(in: path + "/node") }
}

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
