import Glibc
import Wire

/// A term and the vote cast in it. A node never goes back to a lower term or changes a cast vote.
package struct Ballot: Sendable, Equatable {
    /// The Raft term.
    package let term: UInt64
    /// Whom this node voted for in `term`; nil for nobody yet.
    package let vote: UInt64?

    package init(term: UInt64, vote: UInt64?) {
        self.term = term
        self.vote = vote
    }

    /// A node that has never run.
    package static let none = Ballot(term: 0, vote: nil)

    /// Whether this ballot may replace `other`, given that the two do not contradict each other.
    package func isNewer(than other: Ballot) -> Bool {
        term != other.term ? term > other.term : vote != nil && other.vote == nil
    }

    /// The newer of two.
    ///
    /// - Throws: ``StoreError/twoVotes(term:first:second:)``: whichever is right, voting on would
    ///   risk two leaders.
    package func merged(with other: Ballot) throws(StoreError) -> Ballot {
        if term == other.term, let first = vote, let second = other.vote, first != second {
            throw .twoVotes(term: term, first: first, second: second)
        }
        return isNewer(than: other) != planted("mergesOlderVotes") ? self : other
    }
}

/// Term and vote in four checksummed copies of 512 bytes, each in a 4 KiB block of its own, so that
/// no write of one copy can tear another. The file never grows, so a full disk cannot stop a vote.
///
/// A save writes two copies, syncs, writes the other two, syncs: at every moment two copies that
/// are not being written agree. Lost votes are the one loss that makes two leaders possible, hence
/// the separate file.
package struct VoteFile: ~Copyable, Sendable {
    /// Copies in the file, and bytes in each.
    package static let copies = 4
    package static let copyBytes = 512
    static let strideBytes: UInt64 = 4_096
    private static let formatVersion: UInt8 = 1
    private static let magic: [UInt8] = Array("HFVOTE\r\n".utf8)

    private let file: FileDescriptor
    private(set) var ballot: Ballot
    /// How often the file was synced.
    private(set) var flushes: UInt64 = 0

    /// Opens the file and reads all copies.
    ///
    /// - Returns: nil when there is no file.
    /// - Throws: ``StoreError/damagedVoteFile(_:)`` when no copy is valid,
    ///   ``StoreError/twoVotes(term:first:second:)``.
    static func open(_ path: String) throws(StoreError) -> VoteFile? {
        guard let file = try FileDescriptor.open(path, O_RDWR) else { return nil }
        let found = try readCopies(file)
        let valid = found.compactMap { $0 }
        guard var newest = valid.first else {
            throw .damagedVoteFile("none of its \(copies) copies is valid")
        }
        for other in valid.dropFirst() {
            newest = try newest.merged(with: other)
        }
        var voteFile = VoteFile(file: file, ballot: newest)
        // Damaged and older copies first, so that a good one is never the only one being written.
        let stale = (0..<copies).filter { found[$0] != newest }
        if !stale.isEmpty {
            try voteFile.write(
                newest,
                first: stale,
                then: (0..<copies).filter { !stale.contains($0) }
            )
        }
        return voteFile
    }

    /// Makes a file that says term 0, no vote.
    static func create(_ path: String, in folder: String) throws(StoreError) -> VoteFile {
        guard let file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_TRUNC) else {
            throw .system(code: ENOENT, operation: "open", path: path)
        }
        let blank = [UInt8](repeating: 0, count: copies * Int(strideBytes))
        try file.write(blank, at: 0)
        var voteFile = VoteFile(file: file, ballot: .none)
        try voteFile.write(.none, first: [0, 1], then: [2, 3])
        try syncFolder(folder)
        return voteFile
    }

    private init(file: consuming FileDescriptor, ballot: Ballot) {
        self.file = file
        self.ballot = ballot
    }

    /// Stores a ballot durably. I/O errors end the process.
    ///
    /// - Throws: ``StoreError/misuse(_:)`` for a lower term or a second vote in a term.
    mutating func save(_ next: Ballot) throws(StoreError) {
        if next == ballot { return }
        guard next.isNewer(than: ballot) else {
            throw .misuse(
                "ballot may not go from term \(ballot.term), vote \(describe(ballot.vote)) to "
                    + "term \(next.term), vote \(describe(next.vote))"
            )
        }
        do throws(StoreError) {
            try write(next, first: [0, 1], then: [2, 3])
        } catch {
            endProcess("vote file could not be written: \(error.summary)")
        }
        ballot = next
    }

    private mutating func write(
        _ ballot: Ballot,
        first: [Int],
        then second: [Int]
    ) throws(StoreError) {
        for group in [first, second] where !group.isEmpty {
            for copy in group {
                let bytes = Self.encode(ballot, copy: copy)
                try file.write(bytes, at: UInt64(copy) * Self.strideBytes)
            }
            file.sync()
            flushes += 1
        }
    }

    private static func readCopies(_ file: borrowing FileDescriptor) throws(StoreError) -> [Ballot?]
    {
        var found: [Ballot?] = []
        for copy in 0..<copies {
            let bytes = try file.read(copyBytes, at: UInt64(copy) * strideBytes)
            found.append(decode(bytes, copy: copy))
        }
        return found
    }

    /// Layout: magic 8 · format u8 · copy number u8 · term u64 · has vote u8 · vote u64 · zeros ·
    /// CRC-32C u32 over all before it.
    package static func encode(_ ballot: Ballot, copy: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: copyBytes)
        writer.writeBytes(magic)
        writer.writeUInt8(formatVersion)
        writer.writeUInt8(UInt8(copy))
        writer.writeUInt64(ballot.term)
        writer.writeBool(ballot.vote != nil)
        writer.writeUInt64(ballot.vote ?? 0)
        writer.writeBytes([UInt8](repeating: 0, count: copyBytes - 4 - writer.count))
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    /// The ballot of a copy, or nil if it is damaged in any way, also if it belongs to another
    /// place.
    package static func decode(_ bytes: [UInt8], copy: Int) -> Ballot? {
        guard bytes.count == copyBytes else { return nil }
        var reader = ByteReader(bytes)
        do throws(WireError) {
            let isOurs = try reader.readBytes(magic.count) == magic
            let format = try reader.readUInt8()
            let place = try reader.readUInt8()
            let term = try reader.readUInt64()
            let hasVote = try reader.readBool()
            let vote = try reader.readUInt64()
            let ballot = Ballot(term: term, vote: hasVote ? vote : nil)
            let isGood = isOurs && format == formatVersion && Int(place) == copy
            return isGood && encode(ballot, copy: copy) == bytes ? ballot : nil
        } catch {
            return nil
        }
    }
}

/// A vote for an error text.
func describe(_ vote: UInt64?) -> String {
    vote.map { "node \($0)" } ?? "none"
}
