import Cryptography
import Testing

@Suite("random")
struct RandomTests {
    @Test("gives as many bytes as asked", arguments: [0, 1, 24, 256, 257, 1 << 20])
    func lengths(_ count: Int) throws {
        #expect(try Random.bytes(count).count == count)
    }

    @Test("does not repeat, on any thread")
    func distinct() {
        let seen = Seen()
        onThreads(4) { _ in
            for _ in 0..<500 { seen.insert((try? Random.bytes(24)) ?? []) }
        }
        #expect(seen.count == 2_000)
    }

    @Test("fills all of a long block")
    func whole() throws {
        let bytes = try Random.bytes(1 << 16)
        // A run of 16 zero bytes has a chance below 2^-100: it would be a part left unfilled.
        var run = 0
        var longest = 0
        for byte in bytes {
            run = byte == 0 ? run + 1 : 0
            longest = max(longest, run)
        }
        #expect(longest < 16)
        #expect(try Random.uint64() != Random.uint64())
    }

    @Test("refuses an absurd amount")
    func tooMuch() async {
        await #expect(processExitsWith: .failure) { _ = try Random.bytes(1 << 20 + 1) }
    }
}
