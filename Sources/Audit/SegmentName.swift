/// The file name of a segment: `audit-000000000001.log` for the first one.
struct SegmentName: Sendable, Equatable {
    /// Counts the segments of a log from 1.
    let number: UInt64

    /// The file that becomes the next segment. Until then it is empty, and has room on the disk.
    static let reserve = "audit-reserve"
    private static let prefix = "audit-"
    private static let suffix = ".log"
    private static let digits = 12

    init(number: UInt64) { self.number = number }

    /// Takes exactly the names that ``text`` gives.
    init?(_ name: String) {
        guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix),
            let number = UInt64(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)),
            number > 0
        else { return nil }
        self.number = number
        guard Array(text.utf8) == Array(name.utf8) else { return nil }
    }

    var text: String {
        let number = String(number)
        let zeros = String(repeating: "0", count: max(0, Self.digits - number.utf8.count))
        return Self.prefix + zeros + number + Self.suffix
    }

    /// The segments of a folder, in their order.
    static func all(in folder: String) throws(AuditError) -> [SegmentName] {
        try AuditFolder.names(in: folder).compactMap { SegmentName($0) }
            .sorted { $0.number < $1.number }
    }
}
