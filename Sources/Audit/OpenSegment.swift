import Cryptography
import Wire

/// The newest segment of a log while this process writes it.
struct OpenSegment: ~Copyable {
    let number: UInt64
    /// Seals the leaves; in this process only.
    let key: SegmentKey
    /// Of the opening, which is a leaf too.
    let openingHash: TreeHash
    private let file: AuditFile
    private var bytes: UInt64
    private var leaves: UInt64 = 1
    private let bytesMax: UInt64
    private let reserveBytes: UInt64
    /// Up to here the file has room on the disk; without an end where none can be taken ahead.
    private var roomEnd: UInt64

    /// Makes a segment with a fresh key. It has its name only when its opening is durable.
    static func begin(
        _ place: SegmentOpening.Place,
        settings: AuditLog.Settings,
        entropy: inout some EntropySource
    ) throws(AuditError) -> OpenSegment {
        let (key, content) = try makeOpening(place, settings, &entropy)
        var writer = ByteWriter(capacity: content.count + 64)
        writer.writeBytes(Segment.head)
        Frame(.leaf, content).write(into: &writer)
        let path = settings.folder + "/" + SegmentName(number: place.number).text
        let file = try AuditFile(making: settings.reservePath)
        try file.write(writer.bytes, at: 0)
        // What a crash has left of an earlier attempt.
        if try file.bytes().size > UInt64(writer.count) { try file.cut(to: UInt64(writer.count)) }
        try file.sync()
        let room = try file.bytes().room
        try AuditFolder.rename(settings.reservePath, to: path, in: settings.folder)
        return OpenSegment(
            number: place.number,
            key: key,
            openingHash: .leaf(content),
            file: try AuditFile(changing: path),
            bytes: UInt64(writer.count),
            room: room,
            settings: settings
        )
    }

    /// A fresh key for the leaves, and the leaf that holds it sealed.
    private static func makeOpening(
        _ place: SegmentOpening.Place,
        _ settings: AuditLog.Settings,
        _ entropy: inout some EntropySource
    ) throws(AuditError) -> (key: SegmentKey, content: [UInt8]) {
        do throws(CryptographyError) {
            let secret = try entropy.secret(count: XAESKey.keyBytes)
            let opening = try SegmentOpening(place, sealing: secret, to: settings.recipient)
            let key = SegmentKey(secret, log: place.log, number: place.number)
            return (key, opening.encoded())
        } catch {
            throw .cryptography("a segment key cannot be made: \(error.summary)")
        }
    }

    private init(
        number: UInt64,
        key: SegmentKey,
        openingHash: TreeHash,
        file: consuming AuditFile,
        bytes: UInt64,
        room: UInt64,
        settings: AuditLog.Settings
    ) {
        self.number = number
        self.key = key
        self.openingHash = openingHash
        self.file = file
        self.bytes = bytes
        bytesMax = UInt64(settings.segmentBytes)
        reserveBytes = UInt64(settings.reserveBytes)
        roomEnd = reserveBytes == 0 ? .max : max(bytes, Self.counted(room))
    }

    /// Whether the next record goes into a segment of its own.
    var isFull: Bool {
        bytes >= bytesMax || leaves >= AuditLimits.segmentLeavesMax
    }

    /// Adds whole frames at the end.
    ///
    /// - Throws: ``AuditError/full(path:)`` if the disk is full: nothing was written, and what room
    ///   there was is still there for less.
    mutating func write(_ frames: [UInt8], leaves count: UInt64) throws(AuditError) {
        let end = bytes + UInt64(frames.count)
        if end > roomEnd { try takeRoom(upTo: end) }
        do throws(AuditError) {
            try file.write(frames, at: bytes)
        } catch {
            if case .full = error { try file.cut(to: bytes) }
            throw error
        }
        bytes = end
        leaves += count
    }

    // MARK: Room

    /// Room on the disk for what is written next; nil where none can be taken ahead.
    var room: UInt64? { roomEnd == .max ? nil : roomEnd - bytes }

    /// Takes more room once half of it is used, if there is any.
    mutating func tend() throws(AuditError) {
        guard let room, room < reserveBytes / 2 else { return }
        do throws(AuditError) {
            try takeRoom(upTo: bytes + reserveBytes)
        } catch {
            guard case .full = error else { throw error }
        }
    }

    /// Gives back the room behind the end, for the segment that comes next.
    func release() throws(AuditError) {
        if roomEnd != .max { try file.cut(to: bytes) }
    }

    private mutating func takeRoom(upTo end: UInt64) throws(AuditError) {
        do throws(AuditError) {
            roomEnd = try file.reserve(end) ? max(end, roomEnd) : .max
        } catch {
            if case .full = error { roomEnd = max(roomEnd, Self.counted(try file.bytes().room)) }
            guard end <= roomEnd else { throw error }
        }
    }

    private static func counted(_ room: UInt64) -> UInt64 {
        room - min(room, AuditLimits.roomMarginBytes)
    }

    func sync() throws(AuditError) { try file.sync() }
}
