import Cryptography
import Glibc
import TestSupport
import Testing
import Wire

@testable import Audit

@Suite("Leaf proofs")
struct LeafProofTests {
    private static func newest(_ test: TestLog) throws -> SignedCheckpoint {
        try #require(try test.verify().proven)
    }

    @Test("every leaf, under the newest checkpoint and under earlier ones")
    func all() throws {
        let (test, notes) = try VerifierTests.written(batches: 5)
        let keys = [try testSigner().verifier]
        for note in notes {
            let signed = try SignedCheckpoint(note, keys: keys)
            for index in 0..<signed.checkpoint.size {
                let proof = try LeafProver.prove(
                    leaf: index,
                    under: signed,
                    folder: test.folder.path
                )
                #expect(try proof.verify(keys: keys) == signed.checkpoint)
                let bytes = try proof.json().encoded(sortingKeys: false)
                let read = try LeafProof(parsing: bytes)
                #expect(read == proof)
                #expect(throws: AuditError.self) {
                    try read.verify(keys: [testSigner(seed: 60).verifier])
                }
            }
        }
    }

    @Test("a leaf behind the checkpoint, beyond the log, or in altered files is not proven")
    func refusals() throws {
        let (test, notes) = try VerifierTests.written(batches: 12)
        try #require(try test.segments.count > 2)
        let keys = [try testSigner().verifier]
        let signed = try SignedCheckpoint(notes[1], keys: keys)
        let size = signed.checkpoint.size
        #expect(throws: AuditError.notCovered(index: size, covered: size)) {
            try LeafProver.prove(leaf: size, under: signed, folder: test.folder.path)
        }
        let newest = try Self.newest(test)
        let folder = try TestFile.copy(test.folder.path)
        let names = try SegmentName.all(in: folder.path)
        let last = folder.path + "/" + (try #require(names.last)).text
        try AuditFolder.remove(last)
        #expect(throws: AuditError.self) {
            try LeafProver.prove(leaf: 1, under: newest, folder: folder.path)
        }
        var frames = try test.segments[0].frames
        frames.swapAt(1, 2)
        try TestFile.write(frames, to: folder.path + "/" + names[0].text)
        #expect(throws: AuditError.altered(size: size)) {
            try LeafProver.prove(leaf: 1, under: signed, folder: folder.path)
        }
        try AuditFolder.remove(folder.path + "/" + names[0].text)
        #expect(throws: AuditError.missingSegments(after: 0, next: 2)) {
            try LeafProver.prove(leaf: 1, under: signed, folder: folder.path)
        }
    }

    @Test("a proof that was changed in any member is refused")
    func changes() throws {
        let (test, _) = try VerifierTests.written(batches: 5)
        let keys = [try testSigner().verifier]
        let proof = try LeafProver.prove(
            leaf: 3,
            under: Self.newest(test),
            folder: test.folder.path
        )
        let object = try #require(try proof.json().asObject)
        func refuses(_ name: String, _ value: JSONValue?) throws {
            var changed = object
            changed[name] = value
            let bytes = JSONValue.object(changed).encoded(sortingKeys: false)
            #expect(throws: AuditError.self, "\(name)") {
                _ = try LeafProof(parsing: bytes).verify(keys: keys)
            }
        }
        for name in ["format", "leaf_index", "tree_size", "leaf", "leaf_hash", "inclusion_path"] {
            try refuses(name, nil)
            try refuses(name, "x")
        }
        try refuses("checkpoint", "x")
        try refuses("leaf_index", 4)
        try refuses("tree_size", 7)
        try refuses("leaf", .string(Base64.encode([1, 2, 3])))
        let path = try #require(object["inclusion_path"]?.asArray)
        try refuses("inclusion_path", .array(Array(path.dropLast())))
        try refuses("inclusion_path", .array(path + [path[0]]))
        try refuses("inclusion_path", .array(path.reversed()))
        #expect(throws: AuditError.self) { try LeafProof(parsing: [1, 2, 3]) }
    }

    /// What a program prints that shares nothing with ours; nil if it ends with an error.
    private static func checked(_ proof: String, _ key: String) -> String? {
        let folder = "\(#filePath)".split(separator: "/").dropLast(2).joined(separator: "/")
        let program = "/\(folder)/Acceptance/audit_proof.py"
        let command = "python3 '\(program)' '\(proof)' '\(key)' 2>/dev/null"
        guard let pipe = unsafe popen(command, "r") else { return nil }
        var output: [UInt8] = []
        while true {
            let byte = unsafe fgetc(pipe)
            guard byte >= 0 else { break }
            output.append(UInt8(byte))
        }
        guard unsafe pclose(pipe) == 0 else { return nil }
        return String(decoding: output, as: UTF8.self)
    }

    private static let hasPython = unsafe system("python3 -c 'import json' 2>/dev/null") == 0
    private static let hasPymerkle = unsafe system("python3 -c 'import pymerkle' 2>/dev/null") == 0

    /// Proofs of every leaf of a small log, each with what the program prints about it.
    private static func opinions(of test: TestLog) throws -> [(expected: String, said: String)] {
        let newest = try newest(test)
        let key = try testSigner().verifier.text
        let path = test.folder.path + "/proof.json"
        let size = newest.checkpoint.size
        return try (0..<size).map { index in
            let proof = try LeafProver.prove(leaf: index, under: newest, folder: test.folder.path)
            try TestFile.write(proof.json().encoded(sortingKeys: false), to: path)
            let said = try #require(checked(path, key))
            return ("proven: leaf \(index) of \(size) in \(test.identity.origin)", said)
        }
    }

    @Test(
        "an independent program agrees, and refuses what was changed",
        .enabled(if: hasPython, "python3 is not installed")
    )
    func independent() throws {
        let (test, _) = try VerifierTests.written(batches: 3)
        let opinions = try Self.opinions(of: test)
        #expect(opinions.count > 3)
        for (expected, said) in opinions { #expect(said.hasPrefix(expected), "\(said)") }
        let key = try testSigner().verifier.text
        let path = test.folder.path + "/proof.json"
        #expect(Self.checked(path, try testSigner(seed: 61).verifier.text) == nil)
        var text = String(decoding: try TestFile.read(path), as: UTF8.self)
        let last = opinions.count - 1
        let index = try #require(text.firstRange(of: "\"leaf_index\":\(last)"))
        text.replaceSubrange(index, with: "\"leaf_index\":\(last - 1)")
        try TestFile.write(Array(text.utf8), to: path)
        #expect(Self.checked(path, key) == nil)
    }

    @Test(
        "pymerkle agrees",
        .enabled(
            if: hasPymerkle,
            "python3 cannot import pymerkle; Tests/Acceptance/clients installs it"
        )
    )
    func pymerkle() throws {
        let (test, _) = try VerifierTests.written(batches: 3)
        let opinions = try Self.opinions(of: test)
        #expect(opinions.count > 3)
        for (expected, said) in opinions { #expect(said == expected + " (pymerkle agrees)\n") }
    }
}
