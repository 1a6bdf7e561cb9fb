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
        let draft = path + SegmentName.draftSuffix
        try AuditFolder.remove(draft)
        let file = try AuditFile.create(draft)
        do throws(AuditError) {
            try file.write(writer.bytes, at: 0)
        } catch {
            try AuditFolder.remove(draft)
            throw error
        }
        try file.sync()
        try AuditFolder.rename(draft, to: path, in: settings.folder)
        return OpenSegment(
            number: place.number,
            key: key,
            openingHash: .leaf(content),
            file: file,
            bytes: UInt64(writer.count),
            bytesMax: UInt64(settings.segmentBytes)
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
        bytesMax: UInt64
    ) {
        self.number = number
        self.key = key
        self.openingHash = openingHash
        self.file = file
        self.bytes = bytes
        self.bytesMax = bytesMax
    }

    /// Whether the next record goes into a segment of its own.
    var isFull: Bool {
        bytes >= bytesMax || leaves >= AuditLimits.segmentLeavesMax
    }

    /// Adds whole frames at the end. If the disk is full, what was written of them is taken back.
    mutating func write(_ frames: [UInt8], leaves count: UInt64) throws(AuditError) {
        do throws(AuditError) {
            try file.write(frames, at: bytes)
        } catch {
            if case .full = error { try file.cut(to: bytes) }
            throw error
        }
        bytes += UInt64(frames.count)
        leaves += count
    }

    func sync() throws(AuditError) { try file.sync() }
}
