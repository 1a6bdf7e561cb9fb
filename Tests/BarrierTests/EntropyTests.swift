import Cryptography
import Testing

@testable import Barrier

@Suite("entropy")
struct EntropyTests {
    private func entropy(_ seed: UInt8 = 1, attempt: UInt32 = 0) -> Entropy {
        Entropy(seed: [UInt8](repeating: seed, count: 32), attempt: attempt)
    }

    @Test("the same seed gives the same ids, whatever the attempt")
    func idsRepeat() {
        var first = entropy()
        var second = entropy(attempt: 5)
        #expect(first.bytes(100) == second.bytes(100))
        #expect(first.uuid() == second.uuid())
        #expect(first.secret(48).exposedCopy() == second.secret(48).exposedCopy())
        #expect(first.base62(24).exposedCopy() == second.base62(24).exposedCopy())
    }

    @Test("other seeds and later positions give other values")
    func idsDiffer() {
        var first = entropy()
        var second = entropy(2)
        let values = [
            first.bytes(32), first.bytes(32), first.secret(32).exposedCopy(), second.bytes(32),
            second.secret(32).exposedCopy(),
        ]
        #expect(Set(values).count == values.count)
    }

    @Test("a UUID carries its version and variant")
    func uuids() {
        var entropy = entropy()
        for _ in 0..<50 {
            let id = entropy.uuid()
            #expect(id[6] >> 4 == 4 && id[8] >> 6 == 2)
        }
    }

    @Test("a token uses all 62 characters about equally")
    func tokens() {
        var entropy = entropy()
        var counts = [Int](repeating: 0, count: 256)
        for byte in entropy.base62(62 * 200).exposedCopy() { counts[Int(byte)] += 1 }
        let used = counts.indices.filter { counts[$0] > 0 }
        #expect(used == Array(0x30...0x39) + Array(0x41...0x5A) + Array(0x61...0x7A))
        #expect(used.allSatisfy { (100...320).contains(counts[$0]) })
    }

    @Test("a nonce depends on seed, attempt, position, place and plaintext")
    func nonces() {
        let text: [UInt8] = [1, 2, 3]
        let other: [UInt8] = [1, 2, 4]
        var base = entropy()
        var nonces = [
            base.nonce(sealing: text.span, associatedData: [7]),
            base.nonce(sealing: text.span, associatedData: [7]),
        ]
        var otherSeed = entropy(2)
        nonces.append(otherSeed.nonce(sealing: text.span, associatedData: [7]))
        var otherAttempt = entropy(attempt: 1)
        nonces.append(otherAttempt.nonce(sealing: text.span, associatedData: [7]))
        var otherPlace = entropy()
        nonces.append(otherPlace.nonce(sealing: text.span, associatedData: [8]))
        var otherText = entropy()
        nonces.append(otherText.nonce(sealing: other.span, associatedData: [7]))
        #expect(nonces.allSatisfy { $0.count == 24 })
        #expect(Set(nonces).count == nonces.count)

        var again = entropy()
        #expect(again.nonce(sealing: text.span, associatedData: [7]) == nonces[0])
    }
}
