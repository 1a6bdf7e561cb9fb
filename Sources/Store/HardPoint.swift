import Wire

/// Where this node stands: the part of the hard state that changes with nearly every turn, in one
/// record, so that log, state and applied index cannot disagree after a crash.
package struct HardPoint: Sendable, Equatable {
    /// The Raft term, as LMDB has it; the vote file may be ahead.
    package var term: UInt64 = 0
    /// Whom this node voted for in `term`.
    package var vote: UInt64?
    /// The highest index known committed.
    package var commitIndex: UInt64 = 0
    /// The highest index whose writes are in the `state` table.
    package var appliedIndex: UInt64 = 0
    /// The term of the entry at `appliedIndex`.
    package var appliedTerm: UInt64 = 0
    /// The end of the log.
    package var last = LogPoint.start
    /// The log's entries start after this one, which is gone.
    package var base = LogPoint.start
    /// Cluster time as of `appliedIndex`, nanoseconds since 1970; 0 before the first batch. What
    /// an earlier version has written has none, and the next batch brings it.
    package var time: UInt64 = 0

    private static let formatVersion: UInt8 = 3
    private static let formatWithoutTransaction: UInt8 = 2
    private static let formatWithoutTime: UInt8 = 1
    static let key = ByteKey(Array("point".utf8))

    /// Layout: format u8 · term u64 · has vote u8 · vote u64 · commit, applied index, applied term
    /// u64 each · last and base, each index u64, term u64, chain hash 32 · cluster time u64 ·
    /// transaction u64 · CRC-32C u32. Format 2 has no transaction, format 1 no cluster time either.
    ///
    /// - Parameter transactionID: LMDB's number of the transaction that writes it; see
    ///   ``HeaderCheck``.
    func encoded(by transactionID: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.writeUInt8(Self.formatVersion)
        writer.writeUInt64(term)
        writer.writeBool(vote != nil)
        writer.writeUInt64(vote ?? 0)
        writer.writeUInt64(commitIndex)
        writer.writeUInt64(appliedIndex)
        writer.writeUInt64(appliedTerm)
        last.write(into: &writer)
        base.write(into: &writer)
        writer.writeUInt64(time)
        writer.writeUInt64(transactionID)
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    /// Which transaction wrote a record; nil when it is damaged, or of a format that does not say.
    static func transactionID(of bytes: [UInt8]) -> UInt64? {
        guard bytes.count == encodedBytes, bytes[0] == formatVersion else { return nil }
        var reader = ByteReader(bytes[transactionOffset...])
        guard let id = try? reader.readUInt64(), let stored = try? reader.readUInt32(),
            stored == crc32c(bytes.dropLast(4))
        else { return nil }
        return id
    }

    /// A node that has never run.
    package init() {}

    init(decoding bytes: [UInt8]) throws(StoreError) {
        try checkTrailingChecksum(bytes, of: "point record")
        var reader = ByteReader(bytes.dropLast(4))
        do throws(WireError) {
            let format = try reader.readUInt8()
            guard (Self.formatWithoutTime...Self.formatVersion).contains(format) else {
                throw .malformed("format \(format)")
            }
            term = try reader.readUInt64()
            let hasVote = try reader.readBool()
            let stored = try reader.readUInt64()
            vote = hasVote ? stored : nil
            commitIndex = try reader.readUInt64()
            appliedIndex = try reader.readUInt64()
            appliedTerm = try reader.readUInt64()
            last = try LogPoint(from: &reader)
            base = try LogPoint(from: &reader)
            if format > Self.formatWithoutTime { time = try reader.readUInt64() }
            if format > Self.formatWithoutTransaction { _ = try reader.readUInt64() }
            try reader.finish()
        } catch {
            throw .damagedHardState("point record: \(error.summary)")
        }
    }

    static func read(_ transaction: Transaction, _ tables: Tables) throws(StoreError) -> HardPoint?
    {
        guard let bytes = try transaction.value(of: key, in: tables.hard) else { return nil }
        return try HardPoint(decoding: bytes)
    }

    /// The applied index alone, without decoding the rest: every view asks for it.
    static func readAppliedIndex(
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> UInt64 {
        let found = try transaction.withValue(of: key, in: tables.hard) { bytes -> UInt64? in
            let body = bytes.extracting(droppingLast: 4)
            guard
                bytes.count > 0, bytes.count == encodedBytes(ofFormat: bytes[0]),
                crc32c(body) == UInt32(truncatingIfNeeded: number(bytes, at: body.count, count: 4))
            else { return nil }
            return number(bytes, at: appliedIndexOffset, count: 8)
        }
        guard let stored = found else { throw .damagedHardState("point record is missing") }
        guard let index = stored else {
            throw .damagedHardState("point record fails its checksum")
        }
        return index
    }

    private static func encodedBytes(ofFormat format: UInt8) -> Int? {
        switch format {
        case formatVersion: encodedBytes
        case formatWithoutTransaction: encodedBytes - 8
        case formatWithoutTime: encodedBytes - 16
        default: nil
        }
    }

    private static let appliedIndexOffset = 26
    private static let transactionOffset = encodedBytes - 12
    static let encodedBytes = 42 + 2 * (16 + StoreLimits.digestBytes) + 8 + 8 + 4

    /// What must hold between the numbers whenever they are on disk.
    package var contradiction: String? {
        guard base.index <= appliedIndex, appliedIndex <= commitIndex, commitIndex <= last.index
        else {
            return "indexes are out of order: base \(base.index), applied \(appliedIndex), "
                + "commit \(commitIndex), last \(last.index)"
        }
        guard base.term <= last.term, last.term <= term, appliedTerm <= last.term else {
            return "terms are out of order: base \(base.term), applied \(appliedTerm), "
                + "last \(last.term), current \(term)"
        }
        return nil
    }
}

/// An entry's place and the hash over the log up to and including it.
package struct LogPoint: Sendable, Equatable {
    /// The entry's log index.
    package let index: UInt64
    /// The entry's term.
    package let term: UInt64
    /// 32 bytes.
    package let chainHash: [UInt8]

    /// Before the first entry.
    package static let start = LogPoint(
        index: 0,
        term: 0,
        chainHash: [UInt8](repeating: 0, count: StoreLimits.digestBytes)
    )

    package init(index: UInt64, term: UInt64, chainHash: [UInt8]) {
        self.index = index
        self.term = term
        self.chainHash = chainHash
    }

    func write(into writer: inout ByteWriter) {
        writer.writeUInt64(index)
        writer.writeUInt64(term)
        writer.writeBytes(chainHash)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let index = try reader.readUInt64()
        let term = try reader.readUInt64()
        self.init(
            index: index,
            term: term,
            chainHash: try reader.readBytes(StoreLimits.digestBytes)
        )
    }
}

/// Whom this node belongs to: the part of the hard state that changes rarely.
package struct ClusterRecord: Sendable, Equatable {
    /// 32 bytes: digest of the canonical initial configuration. The caller compares it with its
    /// own.
    package var clusterID: [UInt8]
    /// Raised by each disaster recovery.
    package var epoch: UInt64
    /// The number that this disk drew when it began to be this member; 0 for the first disk of a
    /// member of the initial configuration. Drawn anew when log or vote were lost: what this node
    /// says counts again once the members have admitted it under the new number.
    package var incarnation: UInt64
    /// Raised at each start.
    package var bootCounter: UInt64
    /// The replicated configuration as of the applied index, as the caller encoded it, at most
    /// 64 KiB.
    package var configuration: [UInt8]
    /// The level of operations that all members know.
    package var formatLevel: UInt64

    private static let formatVersion: UInt8 = 1
    static let key = ByteKey(Array("cluster".utf8))

    /// - Precondition: `clusterID` has 32 bytes, `configuration` at most 64 KiB.
    package init(
        clusterID: [UInt8],
        epoch: UInt64,
        incarnation: UInt64,
        bootCounter: UInt64,
        configuration: [UInt8],
        formatLevel: UInt64
    ) {
        precondition(clusterID.count == StoreLimits.digestBytes, "cluster id is not 32 bytes")
        precondition(
            configuration.count <= StoreLimits.configurationBytesMax,
            "configuration is too long"
        )
        self.clusterID = clusterID
        self.epoch = epoch
        self.incarnation = incarnation
        self.bootCounter = bootCounter
        self.configuration = configuration
        self.formatLevel = formatLevel
    }

    /// No record is longer.
    static let encodedBytesMax = 128 + StoreLimits.configurationBytesMax

    /// Layout: format u8 · cluster id 32 · epoch, incarnation, boot counter, format level u64
    /// each · configuration blob · CRC-32C u32.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128 + configuration.count)
        writer.writeUInt8(Self.formatVersion)
        writer.writeBytes(clusterID)
        writer.writeUInt64(epoch)
        writer.writeUInt64(incarnation)
        writer.writeUInt64(bootCounter)
        writer.writeUInt64(formatLevel)
        writer.writeBlob(configuration)
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(StoreError) {
        try checkTrailingChecksum(bytes, of: "cluster record")
        var reader = ByteReader(bytes.dropLast(4))
        do throws(WireError) {
            let format = try reader.readUInt8()
            guard format == Self.formatVersion else {
                throw .malformed("format \(format)")
            }
            clusterID = try reader.readBytes(StoreLimits.digestBytes)
            epoch = try reader.readUInt64()
            incarnation = try reader.readUInt64()
            bootCounter = try reader.readUInt64()
            formatLevel = try reader.readUInt64()
            configuration = try reader.readBlob(atMost: StoreLimits.configurationBytesMax)
            try reader.finish()
        } catch {
            throw .damagedHardState("cluster record: \(error.summary)")
        }
    }

    static func read(
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> ClusterRecord? {
        guard let bytes = try transaction.value(of: key, in: tables.hard) else { return nil }
        return try ClusterRecord(decoding: bytes)
    }
}

/// The last four bytes of a hard-state record are the CRC-32C of those before.
private func checkTrailingChecksum(_ bytes: [UInt8], of what: String) throws(StoreError) {
    guard bytes.count > 4 else {
        throw .damagedHardState("\(what) has \(bytes.count) bytes")
    }
    var reader = ByteReader(bytes.suffix(4))
    let stored = try? reader.readUInt32()
    guard stored == crc32c(bytes.dropLast(4)) else {
        throw .damagedHardState("\(what) fails its checksum")
    }
}
