import Raft
import Replica
import Store
import Wire

/// The applied state of one node at one index, on its way to another.
struct SnapshotImage {
    let index: UInt64
    let term: UInt64
    let configuration: [UInt8]
    let tables: DiskTables

    /// Cluster time as of `index`.
    var time: UInt64 { tables.point.time }

    /// - Throws: for damage, and for records that do not add up to what the digest says: a snapshot
    ///   must not spread either.
    init(_ tables: DiskTables) throws(StoreError) {
        guard tables.point.appliedIndex > 0, let record = tables.cluster else {
            throw .unsuitableSnapshot("nothing is applied yet")
        }
        if let row = tables.state.first(where: { $0.damage != .none }) {
            throw .damagedRecord(key: row.key.hex, reason: "checksum")
        }
        for number in tables.buckets.indices {
            if let reason = tables.bucketDamage(number), !planted("exportsShortBuckets") {
                throw .damagedBucket(number: number, reason: reason)
            }
        }
        index = tables.point.appliedIndex
        term = tables.point.appliedTerm
        configuration = record.configuration
        self.tables = tables
    }

    /// All of it as a file's bytes.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 4_096)
        writer.writeUInt64(index)
        writer.writeUInt64(term)
        writer.writeUInt64(tables.requestsRetained)
        writer.writeUInt64(tables.point.time)
        writer.writeBlob(configuration)
        writer.writeUInt32(UInt32(tables.state.count))
        for row in tables.state {
            writer.writeBytes(row.key.bytes)
            writer.writeBlob(row.bytes)
        }
        let requests = tables.rememberedRequests
        writer.writeUInt32(UInt32(requests.count))
        for (index, name) in requests {
            writer.writeUInt64(index)
            writer.writeUInt64(name.high)
            writer.writeUInt64(name.low)
        }
        return writer.bytes
    }

    /// - Throws: for bytes that ``encoded()`` cannot have made.
    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        index = try reader.readUInt64()
        term = try reader.readUInt64()
        let retained = try reader.readUInt64()
        let time = try reader.readUInt64()
        configuration = try reader.readBlob(atMost: 1 << 16)
        var state: [(key: StorageKey, bytes: [UInt8])] = []
        for _ in 0..<(try reader.readUInt32()) {
            guard let key = StorageKey(try reader.readBytes(StoreLimits.storageKeyBytes)) else {
                throw .malformed("storage key")
            }
            state.append((key, try reader.readBlob(atMost: 1 << 20)))
        }
        var requests: [(index: UInt64, name: RequestName)] = []
        for _ in 0..<(try reader.readUInt32()) {
            let index = try reader.readUInt64()
            let high = try reader.readUInt64()
            requests.append((index, RequestName(high: high, low: try reader.readUInt64())))
        }
        try reader.finish()
        var tables = DiskTables(requestsRetained: retained, state: state, requests: requests)
        tables.point.time = time
        self.tables = tables
    }

    /// What the file is called by.
    func offer(_ bytes: [UInt8]) throws(StoreError) -> SnapshotOffer {
        try SnapshotOffer(
            SnapshotLabel(
                index: index,
                term: term,
                configuration: configuration,
                bytes: UInt64(bytes.count),
                digest: hash256(bytes)
            )
        )
    }
}

/// The snapshot files of one disk; they outlive processes and databases.
struct SnapshotFilesAtRest {
    struct Exported {
        let offer: SnapshotOffer
        var bytes: [UInt8]
    }

    struct Arriving {
        let offer: SnapshotOffer
        var bytes: [UInt8] = []
        /// Bytes that a crash leaves.
        private(set) var settled = 0

        /// Bytes that may wait for the disk.
        private static let unsettledBytesMax = 16 << 10

        init(_ offer: SnapshotOffer) {
            self.offer = offer
        }

        mutating func append(_ more: [UInt8]) {
            bytes += more
            let isWhole = UInt64(bytes.count) == offer.bytes
            if isWhole || bytes.count - settled >= Self.unsettledBytesMax { settle() }
        }

        mutating func settle() { settled = bytes.count }
    }

    var exported: Exported?
    var arriving: Arriving?

    /// The process is gone, and perhaps the machine: what was not settled is cut off.
    mutating func crash() {
        guard let settled = arriving?.settled, settled > 0 else { return arriving = nil }
        arriving?.bytes.removeSubrange(settled...)
    }

    /// A bit flips in one of them.
    ///
    /// - Returns: false where there is none.
    mutating func damage(_ dice: inout Dice) -> Bool {
        let takesExported = dice.chance(512)
        let (place, bit) = (dice.next(), UInt8(1) << UInt8(dice.below(8)))
        if takesExported, let count = exported?.bytes.count {
            exported?.bytes[Int(place % UInt64(count))] ^= bit
            return true
        }
        guard let count = arriving?.bytes.count, count > 0 else { return false }
        arriving?.bytes[Int(place % UInt64(count))] ^= bit
        return true
    }
}

/// The files of one process's courier, as production's `SnapshotFiles` has them.
final class SimulatedShelf: SnapshotShelf {
    private let disk: Disk
    private let store: SimulatedStore
    private var arrivals = 0

    init(disk: Disk, store: SimulatedStore) {
        self.disk = disk
        self.store = store
    }

    func open() throws(StoreError) {}

    // MARK: Exported

    var exported: SnapshotOffer? { disk.files.exported?.offer }

    func export(_ pacer: StreamPacer) throws(StoreError) {
        disk.files.exported = nil
        try disk.requireRoom()
        let image = try SnapshotImage(disk.durable)
        let bytes = image.encoded()
        disk.files.exported = .init(offer: try image.offer(bytes), bytes: bytes)
    }

    func readExported(at offset: UInt64, atMost most: Int) throws(StoreError) -> [UInt8] {
        guard let bytes = disk.files.exported?.bytes else { throw .misuse("nothing is exported") }
        return Array(bytes.dropFirst(Int(offset)).prefix(most))
    }

    func dropExported() throws(StoreError) { disk.files.exported = nil }

    // MARK: Arriving

    var arriving: SnapshotOffer? { disk.files.arriving?.offer }
    var arrivingBytes: UInt64 { UInt64(disk.files.arriving?.bytes.count ?? 0) }

    func beginArriving(_ offer: SnapshotOffer) throws(StoreError) {
        disk.files.arriving = nil
        try disk.requireRoom()
        disk.files.arriving = .init(offer)
    }

    func appendArriving(_ bytes: [UInt8]) throws(StoreError) {
        try disk.requireRoom()
        disk.files.arriving?.append(bytes)
    }

    func settleArriving() throws(StoreError) { disk.files.arriving?.settle() }

    func dropArriving() throws(StoreError) { disk.files.arriving = nil }

    func prepareArriving(_ progress: () -> Void) throws(StoreError) -> String {
        guard let file = disk.files.arriving else { throw .misuse("nothing is arriving") }
        for _ in 0..<Limits.snapshotStepsPerWord { progress() }
        guard let image = try? SnapshotImage(decoding: file.bytes) else {
            throw .damagedSnapshot("it does not decode")
        }
        guard try image.offer(file.bytes) == file.offer else {
            throw .damagedSnapshot("it is not the one that was announced")
        }
        arrivals += 1
        let name = "snapshot-arrived-\(arrivals)"
        store.arrived.append((name, image))
        disk.files.arriving = nil
        return name
    }

    func discard(_ file: String) throws(StoreError) { try store.removeSnapshot(file) }

    func releaseRetired() -> Bool { false }
}
