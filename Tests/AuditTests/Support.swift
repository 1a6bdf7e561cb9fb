import Cryptography
import Glibc
import TestSupport
import Testing
import Wire

@testable import Audit

/// The same "random" bytes in every run.
struct SeededEntropy: EntropySource {
    var random: Seeded

    init(_ seed: UInt64) { random = Seeded(seed) }

    mutating func secret(count: Int) throws(CryptographyError) -> SecretBytes {
        var bytes = random.bytes(count)
        return SecretBytes(wiping: &bytes)
    }
}

/// A log in a folder of its own, with everything that it takes to write, sign and read it.
struct TestLog {
    let folder = TemporaryFolder()
    var entropy = SeededEntropy(1)
    let identity: LogIdentity
    let publicKey: [UInt8]
    let segmentBytes: Int
    /// Most tests say themselves when the disk is full.
    var reserveBytes = 0

    private static let seed = [UInt8](repeating: 3, count: HPKERecipient.seedBytes)

    init(origin: String = "holdfast/test/eu-1", segmentBytes: Int = 1 << 20) throws {
        identity = try LogIdentity(
            vaultID: [UInt8](repeating: 5, count: AuditLimits.vaultIDBytes),
            origin: origin
        )
        publicKey = try HPKERecipient.keyPair(from: SecretBytes(copying: Self.seed.span)).publicKey
        self.segmentBytes = segmentBytes
    }

    var settings: AuditLog.Settings {
        AuditLog.Settings(
            folder: folder.path,
            log: identity,
            recipient: publicKey,
            segmentBytes: segmentBytes,
            reserveBytes: reserveBytes
        )
    }

    static let now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)

    mutating func open() throws -> AuditLog {
        try AuditLog.open(settings, at: Self.now, entropy: &entropy)
    }

    /// Opens the log, writes batches of so many records each with a checkpoint behind each batch,
    /// and closes it.
    mutating func write(_ batches: [Int]) throws -> [SignedNote] {
        var log = try open()
        let signer = try testSigner()
        var notes: [SignedNote] = []
        for count in batches {
            let size = log.size
            _ = try log.append(
                (0..<count).map { Self.record(size + UInt64($0)) },
                at: Self.now,
                entropy: &entropy
            )
            notes.append(try log.checkpoint(by: signer))
        }
        return notes
    }

    static func record(_ number: UInt64) -> [UInt8] {
        Array(#"{"type":"request","path":"secret/data/number-\#(number)"}"#.utf8)
    }

    /// The segments of the folder.
    var segments: [Segment] {
        get throws {
            let names = try SegmentName.all(in: folder.path)
            return try names.map {
                try Segment(
                    reading: folder.path + "/" + $0.text,
                    isLast: $0 == names.last
                )
            }
        }
    }

    func privateKey() throws -> HPKERecipient.KeyPair {
        try HPKERecipient.keyPair(from: SecretBytes(copying: Self.seed.span))
    }

    /// All records in the log, opened with the private key. Segment openings are not records.
    func records() throws -> [[UInt8]] {
        let pair = try HPKERecipient.keyPair(from: SecretBytes(copying: Self.seed.span))
        var records: [[UInt8]] = []
        for segment in try segments {
            let key = try segment.opening.openKey(with: pair.privateKey)
            for frame in segment.frames.dropFirst() where frame.kind == .leaf {
                records.append(try key.open(LeafBox(decoding: frame.content)))
            }
        }
        return records
    }

    /// What the files show to somebody who has the key of the test's signer.
    func verify(anchors: [SignedNote] = []) throws -> AuditVerdict {
        try Self.verify(folder.path, anchors: anchors)
    }

    static func verify(_ folder: String, anchors: [SignedNote] = []) throws -> AuditVerdict {
        let keys = [try testSigner().verifier]
        let signed = try anchors.map { try SignedCheckpoint($0, keys: keys) }
        return try AuditVerifier(keys: keys, anchors: signed).verify(folder: folder)
    }
}

/// Files of tests.
enum TestFile {
    static func read(_ path: String) throws -> [UInt8] {
        try AuditFile(reading: path).readAll(atMost: 1 << 30)
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try AuditFolder.remove(path)
        try AuditFile.create(path).write(bytes, at: 0)
    }

    /// A segment with other frames than it had, each with the right checksum.
    static func write(_ frames: [Frame], to path: String) throws {
        var writer = ByteWriter()
        writer.writeBytes(Segment.head)
        for frame in frames { frame.write(into: &writer) }
        try write(writer.bytes, to: path)
    }

    /// A folder with the same segments, to spoil.
    static func copy(_ folder: String) throws -> TemporaryFolder {
        let copy = TemporaryFolder()
        for name in try SegmentName.all(in: folder) {
            try write(read(folder + "/" + name.text), to: copy.path + "/" + name.text)
        }
        return copy
    }
}
