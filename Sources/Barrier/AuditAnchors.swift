import Cryptography
package import Store
import Wire

/// Where the anchors of audit logs are kept: clear records, so that a sealed node shows them too.
///
/// One record for the cluster's log of anchors, one for the newest anchor of each member's log, and
/// a ring of the last ones of all. What they hold is the audit's; each begins with a format byte.
package struct AuditAnchors: Sendable {
    /// The cluster's log; nil before the first anchor.
    package let head: [UInt8]?
    /// When it was written; 0 before.
    package let headIndex: UInt64
    /// The newest anchor of each log, by their storage keys.
    package let newest: [[UInt8]]
    /// The last anchors, as far as the ring reaches, oldest first.
    package let recent: [[UInt8]]

    static let formatVersion: UInt8 = 1

    /// All of them.
    ///
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)``, `hierarchyFormat`, `store`.
    package init(_ view: borrowing ReadView) throws(BarrierError) {
        var numbered: [(number: UInt64, note: [UInt8])] = []
        var newest: [[UInt8]] = []
        do {
            let head = try view.record(ClearRecord.anchorHead)
            self.head = try head.map { try Self.content($0) }
            headIndex = head?.modificationIndex ?? 0
            try view.scan(ClearRecord.anchorRing) { _, record in
                var reader = ByteReader(try Self.content(record))
                numbered.append((try reader.readUInt64(), try reader.readBytes(reader.remaining)))
                return true
            }
            try view.scan(ClearRecord.newestAnchors) { _, record in
                newest.append(try Self.content(record))
                return true
            }
        } catch let error as BarrierError {
            throw error
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            throw .hierarchyDamaged(.auditAnchors, reason: "\(error)")
        }
        self.newest = newest
        recent = numbered.sorted { $0.number < $1.number }.map(\.note)
    }

    /// The newest anchor of one log; nil before the first.
    ///
    /// - Throws: as ``init(_:)``.
    package static func newest(
        of origin: String,
        _ view: borrowing ReadView
    ) throws(BarrierError) -> [UInt8]? {
        let record: Record?
        do throws(StoreError) {
            record = try view.record(ClearRecord.newestAnchor(of: origin))
        } catch {
            throw .store(error)
        }
        guard let record else { return nil }
        return try content(record)
    }

    private static func content(_ record: Record) throws(BarrierError) -> [UInt8] {
        var reader = try ClearRecord.reader(of: record, .auditAnchors, format: formatVersion)
        do throws(WireError) {
            return try reader.readBytes(reader.remaining)
        } catch {
            throw .unreadable(.auditAnchors, error)
        }
    }
}

extension BatchBuilder {
    /// Writes anchors, if nobody wrote any since they were looked at.
    ///
    /// - Parameters:
    ///   - head: the cluster's log with them.
    ///   - first: number of the first of them in that log.
    ///   - notes: the name of a member's log, and its anchor.
    ///   - read: what ``AuditAnchors/headIndex`` was.
    package mutating func putAnchors(
        head: [UInt8],
        first: UInt64,
        notes: [(origin: String, note: [UInt8])],
        read: UInt64
    ) {
        checkClear(ClearRecord.anchorHead, modificationIndex: read)
        putClear(ClearRecord.anchorHead, [AuditAnchors.formatVersion] + head)
        for (position, entry) in notes.enumerated() {
            let number = first + UInt64(position)
            var writer = ByteWriter(capacity: entry.note.count + 16)
            writer.writeUInt8(AuditAnchors.formatVersion)
            writer.writeUInt64(number)
            writer.writeBytes(entry.note)
            putClear(ClearRecord.anchor(number: number), writer.bytes)
            putClear(
                ClearRecord.newestAnchor(of: entry.origin),
                [AuditAnchors.formatVersion] + entry.note
            )
        }
    }
}

extension BarrierView {
    /// The anchors of all audit logs.
    ///
    /// - Throws: as ``AuditAnchors/init(_:)``.
    package borrowing func auditAnchors() throws(BarrierError) -> AuditAnchors {
        try AuditAnchors(store)
    }
}
