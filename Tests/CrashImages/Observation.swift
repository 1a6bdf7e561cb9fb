package import Store
import Wire

/// Everything that a store holds, as it says itself.
package struct Observation: Equatable {
    let ballot: Ballot
    let point: HardPoint
    let cluster: ClusterRecord?
    let entries: [StoredEntry]
    /// Each record's key and bytes.
    let rows: [[UInt8]]
    /// What the records add up to, as table `digest` says.
    let digest: StateDigest
    /// Where each request that the trial ever made was carried out, if it is remembered.
    let requests: [UInt64?]

    /// Reads all of it, which checks it too.
    package init(_ store: LocalStore, requestsThrough last: UInt64) throws {
        let state = try store.load()
        ballot = state.ballot
        point = state.point
        cluster = state.cluster
        entries = state.entries
        digest = try store.stateDigest()
        (rows, requests) = try store.view { view in
            var rows: [[UInt8]] = []
            for directory in Trial.directories {
                try view.scan(directory) { key, record in
                    rows.append(key.bytes + record.encoded())
                    return true
                }
            }
            var requests: [UInt64?] = []
            for index in max(last, 8) - 7...max(last, 8) {
                requests.append(try view.requestIndex(Trial.requestID(index)))
            }
            return (rows, requests)
        }
    }

    /// The first field in which two differ, for a report.
    func difference(from other: Observation) -> String {
        if ballot != other.ballot { return "ballot \(ballot), want \(other.ballot)" }
        if point != other.point { return "point \(brief), want \(other.brief)" }
        if cluster != other.cluster { return "cluster record" }
        if entries != other.entries { return "log" }
        if rows != other.rows { return "\(rows.count) records, want \(other.rows.count)" }
        if digest != other.digest { return "digest of the records" }
        if requests != other.requests { return "remembered requests" }
        return "nothing"
    }

    private var brief: String {
        "term \(point.term) base \(point.base.index) applied \(point.appliedIndex) "
            + "last \(point.last.index)"
    }
}

/// Values that trials use.
package enum Trial {
    static let directories = (UInt8(1)...4).map { key($0, 0).directory }

    /// Options that make a small file, so that an image is quickly written.
    package static var options: StoreOptions {
        var options = StoreOptions()
        options.mapBytes = 64 << 20
        options.preallocateStepBytes = 256 << 10
        options.reserveBytes = 256 << 10
        options.readersMax = 8
        options.requestsRetained = 64
        return options
    }

    /// Whom the trials' node belongs to.
    package static let cluster = ClusterRecord(
        clusterID: [UInt8](repeating: 0xC1, count: 32),
        epoch: 1,
        incarnation: 1,
        bootCounter: 1,
        configuration: Array("trial".utf8),
        formatLevel: 1
    )

    /// Key `name` of directory `directory`.
    package static func key(_ directory: UInt8, _ name: UInt64) -> StorageKey {
        var writer = ByteWriter(capacity: 32)
        writer.writeBytes([UInt8](repeating: directory, count: 16))
        writer.writeUInt64(0)
        writer.writeUInt64(name)
        guard let key = StorageKey(writer.bytes) else { preconditionFailure("32 bytes are a key") }
        return key
    }

    /// The request id of the entry at `index`.
    package static func requestID(_ index: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.writeUInt64(0xF00D)
        writer.writeUInt64(index)
        return writer.bytes
    }
}
