import Cryptography
import TestSupport
import Testing
import Wire

@testable import Audit

/// A signer whose key is the same in every run.
func testSigner(_ name: String = "example.com/log", seed: UInt8 = 7) throws -> NoteSigner {
    let bytes = [UInt8](repeating: seed, count: SigningKey.seedBytes)
    let key = try SigningKey(seed: SecretBytes(copying: bytes.span))
    return try NoteSigner(name: name, key: key)
}

@Suite("Signed notes")
struct NoteTests {
    /// Source: C2SP signed-note, "Example".
    static let publishedKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    static let publishedNote = """
        This is an example message.

        \u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

        """
    /// Source: C2SP tlog-checkpoint. Its key is not published.
    static let publishedCheckpoint = """
        example.com/behind-the-sofa
        20852163
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

        \u{2014} example.com/behind-the-sofa \
        Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=

        """

    @Test("the published note verifies under the published key")
    func published() throws {
        let key = try NoteVerifier(parsing: Self.publishedKey)
        #expect(key.text == Self.publishedKey)
        #expect(key.name == "example.com/foo")
        let note = try SignedNote(Array(Self.publishedNote.utf8))
        #expect(note.text == "This is an example message.\n")
        #expect(try note.signers(among: [key]) == [key])
        #expect(note.bytes == Array(Self.publishedNote.utf8))
    }

    @Test("the published checkpoint is read and written back")
    func publishedCheckpoint() throws {
        let note = try SignedNote(Array(Self.publishedCheckpoint.utf8))
        let checkpoint = try Checkpoint(text: note.text)
        #expect(checkpoint.origin == "example.com/behind-the-sofa")
        #expect(checkpoint.size == 20_852_163)
        #expect(checkpoint.root.base64 == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
        #expect(checkpoint.text == note.text)
        #expect(note.bytes == Array(Self.publishedCheckpoint.utf8))
    }

    @Test("a checkpoint of ours is signed, read and verified")
    func roundTrip() throws {
        let signer = try testSigner()
        let root = TreeHash.leaf([1, 2, 3])
        let checkpoint = Checkpoint(origin: "example.com/log", size: 5, root: root)
        #expect(checkpoint.text == "example.com/log\n5\n\(root.base64)\n")
        let note = try checkpoint.signed(by: signer)
        let key = try NoteVerifier(parsing: signer.verifier.text)
        let read = try SignedCheckpoint(SignedNote(note.bytes), keys: [key])
        #expect(read.checkpoint == checkpoint)
        #expect(read.note == note)
    }

    @Test("any changed byte of the text, and a key of the same name, are refused")
    func forgery() throws {
        let signer = try testSigner()
        let note = try Checkpoint(origin: "a/b", size: 9, root: .ofEmptyTree).signed(by: signer)
        for position in note.text.utf8.indices {
            let offset = note.text.utf8.distance(from: note.text.utf8.startIndex, to: position)
            var bytes = note.bytes
            bytes[offset] ^= 1
            guard let changed = try? SignedNote(bytes) else { continue }
            #expect(throws: NoteError.badSignature(key: "example.com/log")) {
                try changed.signers(among: [signer.verifier])
            }
        }
        let other = try testSigner(seed: 8)
        #expect(throws: NoteError.unknownSigners(["example.com/log"])) {
            try note.signers(among: [other.verifier])
        }
        #expect(throws: NoteError.unknownSigners(["example.com/log"])) {
            try note.signers(among: [])
        }
    }

    @Test("signatures of unknown keys do not matter, a wrong one of a known key does")
    func manySignatures() throws {
        let first = try testSigner()
        let second = try testSigner("b", seed: 9)
        let checkpoint = Checkpoint(origin: "a", size: 0, root: .ofEmptyTree)
        let one = try checkpoint.signed(by: first)
        let two = try checkpoint.signed(by: second)
        let both = try SignedNote(one.bytes + Array(two.signatures[0].line.utf8))
        #expect(try both.signers(among: [second.verifier]) == [second.verifier])
        #expect(
            try both.signers(among: [first.verifier, second.verifier])
                == [first.verifier, second.verifier]
        )
        let wrong = NoteSignature(
            name: "b",
            keyID: two.signatures[0].keyID,
            signature: one.signatures[0].signature
        )
        let mixed = try SignedNote(one.bytes + Array(wrong.line.utf8))
        #expect(try mixed.signers(among: [first.verifier]) == [first.verifier])
        #expect(throws: NoteError.badSignature(key: "b")) {
            try mixed.signers(among: [first.verifier, second.verifier])
        }
    }

    @Test(
        "what is not a note",
        arguments: [
            "", "\n", "text", "text\n", "text\n\n", "text\n\nname AAAAAAA=\n",
            "text\n\n\u{2014} name\n", "text\n\n\u{2014} na me AAAAAAA=\n",
            "text\n\n\u{2014} name AAAA\n", "text\n\n\u{2014} name AAAAAAA\n",
            "text\n\n\u{2014} na+me AAAAAAA=\n", "text\n\n\u{2014} name AAAAAAA= \n",
            "text\n\n\u{2014}  AAAAAAA=\n", "te\u{0}xt\n\n\u{2014} name AAAAAAA=\n",
            "te\txt\n\n\u{2014} name AAAAAAA=\n", "text\r\n\n\u{2014} name AAAAAAA=\n",
            "text\n\n\u{2014} name AAAAAAA=", "text\n\n- name AAAAAAA=\n",
        ]
    )
    func malformed(text: String) {
        #expect(throws: NoteError.self) { try SignedNote(Array(text.utf8)) }
    }

    @Test("invalid UTF-8, too many signatures and too many bytes are refused")
    func limits() {
        let line = "\u{2014} name AAAAAAA=\n"
        #expect(throws: Never.self) { try SignedNote(Array("t\n\n\(line)".utf8)) }
        #expect(throws: NoteError.self) { try SignedNote([0xFF, 0x0A, 0x0A] + Array(line.utf8)) }
        let many = String(repeating: line, count: AuditLimits.signaturesMax + 1)
        #expect(throws: NoteError.self) { try SignedNote(Array("t\n\n\(many)".utf8)) }
        let long = String(repeating: "x", count: AuditLimits.noteBytesMax)
        #expect(throws: NoteError.self) { try SignedNote(Array("\(long)\n\n\(line)".utf8)) }
    }

    @Test(
        "what is not a checkpoint",
        arguments: [
            "", "a\n", "a\n1\n", "a\n1\n\(TreeHash.ofEmptyTree.base64)", "a\n1\nAAAA\n",
            "\n1\n\(TreeHash.ofEmptyTree.base64)\n", "a\n01\n\(TreeHash.ofEmptyTree.base64)\n",
            "a\n+1\n\(TreeHash.ofEmptyTree.base64)\n", "a\n-1\n\(TreeHash.ofEmptyTree.base64)\n",
            "a\n18446744073709551616\n\(TreeHash.ofEmptyTree.base64)\n",
            "a\n1\n\(TreeHash.ofEmptyTree.base64)\n\n", "a\n1 \n\(TreeHash.ofEmptyTree.base64)\n",
            "a\n1\n\(TreeHash.ofEmptyTree.hex)\n",
        ]
    )
    func noCheckpoint(text: String) {
        #expect(throws: NoteError.self) { try Checkpoint(text: text) }
    }

    @Test("extension lines are kept")
    func extensions() throws {
        let text = "a b\n0\n\(TreeHash.ofEmptyTree.base64)\nmore\n"
        let checkpoint = try Checkpoint(text: text)
        #expect(checkpoint.extensions == ["more"])
        #expect(checkpoint.text == text)
    }

    @Test(
        "what is not a verifier key",
        arguments: [
            "", "name", "name+530d903a", "example.com/foo+530d903b+\(key)",
            "example.com/fo+530d903a+\(key)", "example.com/foo+530d90+\(key)", "+530d903a+\(key)",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv",
            "a b+530d903a+\(key)",
        ]
    )
    func noKey(text: String) {
        #expect(throws: NoteError.self) { try NoteVerifier(parsing: text) }
    }
    private static let key = "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

    @Test("a file of several checkpoints")
    func several() throws {
        let signer = try testSigner()
        var file: [UInt8] = []
        for size in 0..<UInt64(4) {
            let note = try Checkpoint(origin: "a", size: size, root: .ofEmptyTree)
                .signed(by: signer)
            file += (file.isEmpty ? [] : [0x0A]) + note.bytes
        }
        let keys = [signer.verifier]
        let read = try SignedCheckpoint.several(file, keys: keys)
        #expect(read.map(\.checkpoint.size) == [0, 1, 2, 3])
        #expect(try SignedCheckpoint.several(file + [0x0A], keys: keys).count == 4)
        #expect(try SignedCheckpoint.several([], keys: keys).isEmpty)
        #expect(throws: NoteError.self) {
            try SignedCheckpoint.several(Array(file.dropLast(30)), keys: keys)
        }
        file[2] ^= 1
        #expect(throws: NoteError.badSignature(key: "example.com/log")) {
            try SignedCheckpoint.several(file, keys: keys)
        }
    }

    @Test("arbitrary bytes are refused without a crash")
    func fuzz() throws {
        var random = Seeded(1)
        let good = Array(Self.publishedCheckpoint.utf8)
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0...random.below(3) {
                let position = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[position] = UInt8(random.below(256))
                case 1: bytes.remove(at: position)
                default: bytes.insert(UInt8(random.below(256)), at: position)
                }
            }
            guard let note = try? SignedNote(bytes) else { continue }
            #expect(note.bytes == bytes)
            if let checkpoint = try? Checkpoint(text: note.text) {
                #expect(checkpoint.text == note.text)
            }
        }
    }
}
