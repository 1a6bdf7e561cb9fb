import Cryptography
import Testing
import Wire

/// `sys/tools/random` beyond what a transcript can say.
@Suite("tools")
struct ToolTests {
    @Test(
        "as many bytes as were asked for, in either place",
        arguments: [
            ("", #"{"format":"hex"}"#, 32), ("/8", #"{"bytes":9,"format":"hex"}"#, 8),
            ("", #"{"bytes":"4","format":"hex"}"#, 4), ("/all/5", #"{"format":"hex"}"#, 5),
            ("", #"{"bytes":131072,"format":"hex"}"#, 131_072),
        ]
    )
    func counts(_ path: String, _ body: String, _ count: Int) throws {
        let vault = try TestVault()
        let answer = try vault.send("POST", "sys/tools/random\(path)", body)
        let text = try #require(try answer.data("random_bytes")?.asString)
        #expect(Hex.decode(text)?.count == count)
    }

    @Test("bytes are new each time, and base64 unless hex is wanted")
    func fresh() throws {
        let vault = try TestVault()
        var seen: Set<String> = []
        for _ in 0..<20 {
            let answer = try vault.send("POST", "sys/tools/random/16", "{}")
            let text = try #require(try answer.data("random_bytes")?.asString)
            #expect(Base64.decode(text)?.count == 16)
            #expect(seen.insert(text).inserted)
        }
    }

    @Test("a digest of a long input is that of its pieces", arguments: MessageDigest.allCases)
    func digests(_ algorithm: MessageDigest) {
        let input = [UInt8](repeating: 0x61, count: 100_003)
        let digest = algorithm.digest(of: input)
        #expect(digest.count == algorithm.count)
        #expect(digest != algorithm.digest(of: input + [0]))
        if algorithm == .sha2With256 { #expect(digest == sha256(input)) }
    }
}
