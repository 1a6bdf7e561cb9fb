import Testing
import Wire

@testable import Cryptography

/// scrypt against the vectors of RFC 7914, section 12, and what a server must refuse.
@Suite("scrypt")
struct ScryptTests {
    struct Vector: Sendable {
        let password: String
        let salt: String
        let cost: (log2: UInt8, blockSize: UInt8, parallelism: UInt8)
        let result: String
    }

    static let vectors = [
        Vector(
            password: "",
            salt: "",
            cost: (4, 1, 1),
            result: "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        Vector(
            password: "password",
            salt: "NaCl",
            cost: (10, 8, 16),
            result: "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        Vector(
            password: "pleaseletmein",
            salt: "SodiumChloride",
            cost: (14, 8, 1),
            result: "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ]

    @Test("RFC 7914", arguments: vectors)
    func vector(_ vector: Vector) throws {
        let cost = try #require(
            ScryptCost(
                costLog2: vector.cost.log2,
                blockSize: vector.cost.blockSize,
                parallelism: vector.cost.parallelism
            )
        )
        let key = try scrypt(
            Array(vector.password.utf8),
            salt: Array(vector.salt.utf8),
            cost: cost,
            count: 64
        )
        #expect(Hex.encode(key) == vector.result)
    }

    /// Made with Python's `hashlib.scrypt`.
    @Test("the cost of passwords, and its memory is given back to the system")
    func passwords() throws {
        let locked = LockedMemory.usage
        let key = try scrypt(Array("pw".utf8), salt: Array(0..<16), cost: .password)
        #expect(
            Hex.encode(key) == "7765d6c0d0cd8b60298d1ada5481c928bfc0280e153df6365663c50d9143fb0f"
        )
        let after = LockedMemory.usage
        let grown =
            after.lockedBytes + after.unlockedBytes - locked.lockedBytes - locked.unlockedBytes
        #expect(grown < 8 << 20, "32 MiB went to the locked arena")
    }

    @Test("costs that are not allowed, or too high for a server, are none")
    func costs() {
        for (log2, blockSize, parallelism): (UInt8, UInt8, UInt8) in [
            (0, 8, 1), (15, 0, 1), (15, 8, 0), (17, 8, 1), (25, 1, 1), (255, 255, 255),
            (14, 255, 255),
        ] {
            let cost = ScryptCost(
                costLog2: log2,
                blockSize: blockSize,
                parallelism: parallelism
            )
            #expect(cost == nil, "2^\(log2), \(blockSize), \(parallelism)")
        }
        #expect(
            ScryptCost(costLog2: 15, blockSize: 8, parallelism: 1) == ScryptCost.password
        )
    }
}
