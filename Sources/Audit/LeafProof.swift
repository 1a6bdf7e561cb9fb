package import Wire

/// All that somebody needs to see that one leaf is in a log: the leaf, the way to the root, and the
/// signed root. As a file it is JSON, made so that any program with SHA-256 and Ed25519 can check
/// it.
///
/// Members: `format`; `origin`; `leaf_index` and `tree_size`; `leaf`, base64 of the leaf's content,
/// which stays sealed; `leaf_hash` and `root_hash` and each of `inclusion_path` in hexadecimal, the
/// leaf's sibling first; `checkpoint`, the signed note as it is.
/// - Source: RFC 9162, section 2.1.3; C2SP tlog-checkpoint.
package struct LeafProof: Sendable, Equatable {
    /// The value of `format`.
    package static let format = "holdfast-audit-proof-1"

    /// The leaf's content: a sealed record, or the opening of a segment.
    package let leaf: [UInt8]
    /// From the leaf to the root.
    package let inclusion: InclusionProof
    /// The signed root. Worth nothing before ``verify(keys:)``.
    package let note: SignedNote

    init(leaf: [UInt8], inclusion: InclusionProof, note: SignedNote) {
        self.leaf = leaf
        self.inclusion = inclusion
        self.note = note
    }

    /// Checks the signature and the way from the leaf to the root.
    ///
    /// - Returns: the checkpoint that covers the leaf.
    /// - Throws: ``AuditError/note(_:)`` or ``AuditError/badProof(_:)``.
    package func verify(keys: [NoteVerifier]) throws(AuditError) -> Checkpoint {
        let checkpoint: Checkpoint
        do throws(NoteError) {
            checkpoint = try SignedCheckpoint(note, keys: keys).checkpoint
        } catch {
            throw .note(error)
        }
        guard checkpoint.size == inclusion.size else {
            throw .badProof("it is for \(inclusion.size) leaves, its checkpoint for another number")
        }
        guard inclusion.verifies(.leaf(leaf), root: checkpoint.root) else {
            throw .badProof("the leaf and the path do not lead to the signed root")
        }
        return checkpoint
    }

    /// The proof as a JSON document.
    ///
    /// - Precondition: ``verify(keys:)`` passed.
    package func json() throws(AuditError) -> JSONValue {
        let checkpoint: Checkpoint
        do throws(NoteError) {
            checkpoint = try Checkpoint(text: note.text)
        } catch {
            throw .note(error)
        }
        return [
            "format": .string(Self.format),
            "origin": .string(checkpoint.origin),
            "leaf_index": .number(JSONNumber(inclusion.index)),
            "tree_size": .number(JSONNumber(inclusion.size)),
            "leaf": .string(Base64.encode(leaf)),
            "leaf_hash": .string(TreeHash.leaf(leaf).hex),
            "root_hash": .string(checkpoint.root.hex),
            "inclusion_path": .array(inclusion.path.map { .string($0.hex) }),
            "checkpoint": .string(String(decoding: note.bytes, as: UTF8.self)),
        ]
    }

    /// Reads ``json()``.
    ///
    /// - Throws: ``AuditError/badProof(_:)``, also if two members contradict each other.
    package init(parsing bytes: [UInt8]) throws(AuditError) {
        guard bytes.count <= AuditLimits.proofBytesMax else {
            throw .badProof("\(bytes.count) bytes are more than a proof has")
        }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONScanner.parse(bytes, limits: JSONLimits(allowsDuplicateNames: false))
        } catch {
            throw .badProof(error.summary)
        }
        guard let object = document.asObject, object["format"]?.asString == Self.format else {
            throw .badProof("its format is not \(Self.format)")
        }
        guard let index = Self.number(object["leaf_index"]),
            let size = Self.number(object["tree_size"]),
            let leaf = object["leaf"]?.asString.flatMap(Base64.decode),
            let path = object["inclusion_path"]?.asArray, path.count <= 64,
            let note = object["checkpoint"]?.asString
        else { throw .badProof("a member is missing or of another type") }
        let hashes = path.compactMap { $0.asString.flatMap(Hex.decode).flatMap { TreeHash($0) } }
        guard hashes.count == path.count else { throw .badProof("a hash of the path is not one") }
        do throws(NoteError) {
            self.note = try SignedNote(Array(note.utf8))
        } catch {
            throw .note(error)
        }
        self.leaf = leaf
        inclusion = InclusionProof(index: index, size: size, path: hashes)
        guard object["leaf_hash"]?.asString == TreeHash.leaf(leaf).hex else {
            throw .badProof("leaf_hash is not the hash of the leaf")
        }
    }

    private static func number(_ value: JSONValue?) -> UInt64? {
        if case .number(let number)? = value { number.uint64 } else { nil }
    }
}

/// Makes proofs from a log's folder, in one pass over the segments.
package enum LeafProver {
    /// Proves that a leaf is in the log.
    ///
    /// - Parameters:
    ///   - index: position of the leaf; the first is 0.
    ///   - checkpoint: over the leaf; the folder's own newest is in
    ///     ``AuditVerdict/proven``.
    /// - Throws: ``AuditError/notCovered(index:covered:)``; `empty`; `noLeaf` if the folder ends
    ///   earlier; `altered` if its leaves do not give the signed root; `missingSegments`,
    ///   `damaged`, `system`.
    package static func prove(
        leaf index: UInt64,
        under signed: SignedCheckpoint,
        folder: String
    ) throws(AuditError) -> LeafProof {
        let size = signed.checkpoint.size
        guard index < size else { throw .notCovered(index: index, covered: size) }
        var hasher = RangeHasher(InclusionProof.ranges(index: index, size: size))
        var found: [UInt8]?
        var position: UInt64 = 0
        let names = try SegmentName.all(in: folder)
        guard !names.isEmpty else { throw .empty(path: folder) }
        var expected: UInt64 = 1
        for name in names where position < size {
            guard name.number == expected else {
                throw .missingSegments(after: expected - 1, next: name.number)
            }
            expected += 1
            let path = folder + "/" + name.text
            let segment = try Segment(reading: path, isLast: name == names.last)
            for frame in segment.frames where frame.kind == .leaf && position < size {
                if position == index { found = frame.content }
                hasher.add(.leaf(frame.content))
                position += 1
            }
            if case .damaged(let offset, let reason) = segment.ending, position < size {
                throw .damaged(path: path, offset: offset, reason: reason)
            }
        }
        guard let leaf = found, let path = hasher.hashes, position == size else {
            throw .noLeaf(index: index, size: position)
        }
        let inclusion = InclusionProof(index: index, size: size, path: path)
        guard inclusion.verifies(.leaf(leaf), root: signed.checkpoint.root) else {
            throw .altered(size: size)
        }
        return LeafProof(leaf: leaf, inclusion: inclusion, note: signed.note)
    }
}
