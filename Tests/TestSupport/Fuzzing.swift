import Glibc

/// How much the fuzz tests do: a slice in every run, and as much as `HOLDFAST_FUZZ_INPUTS` says in
/// `Tests/run --full`.
package enum Fuzzing {
    /// - Parameter usual: how many inputs are fit for every run.
    package static func inputs(usual: Int) -> Int {
        number("HOLDFAST_FUZZ_INPUTS") ?? usual
    }

    /// - Parameter usual: the seed of every run. `HOLDFAST_TEST_SEED` tries others.
    package static func seed(usual: UInt64) -> UInt64 {
        number("HOLDFAST_TEST_SEED").map { UInt64($0) } ?? usual
    }

    /// How many seeds the laboratory of consensus runs, from 0 on.
    /// `HOLDFAST_LABORATORY_SEEDS` says otherwise.
    package static func laboratorySeeds(usual: Int) -> Int {
        number("HOLDFAST_LABORATORY_SEEDS") ?? usual
    }

    private static func number(_ name: String) -> Int? {
        unsafe getenv(name).map { unsafe String(cString: $0) }.flatMap { Int($0) }.flatMap {
            $0 > 0 ? $0 : nil
        }
    }

    /// Physical memory of this process in bytes.
    ///
    /// - Throws: if the system does not tell.
    package static func residentBytes() throws -> Int {
        let text = String(decoding: try FileBytes.read("/proc/self/status"), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let number = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        guard let number else { throw NoMemoryFigure() }
        return number * 1024
    }

    private struct NoMemoryFigure: Error {}
}

/// Runs inputs and tells whether memory has grown with them.
package struct FuzzRun {
    /// So much more than after the first tenth is no growth: allocators keep what they once had.
    package static let growthBytesMax = 96 << 20
    /// Below so many inputs nothing is said about memory, which other tests use as well.
    package static let inputsOfMemory = 200_000

    /// How many inputs there will be.
    package let inputs: Int
    private var early = 0

    /// - Parameter usual: how many inputs are fit for every run.
    package init(usual: Int) {
        inputs = Fuzzing.inputs(usual: usual)
    }

    /// Hands each input's number over. Returns by how many bytes memory has grown since the first
    /// tenth; 0 for a slice.
    ///
    /// - Throws: what `body` throws, or if the system tells nothing about memory.
    package mutating func run(_ body: (Int) throws -> Void) throws -> Int {
        for input in 0..<inputs {
            try body(input)
            if input == inputs / 10, inputs >= Self.inputsOfMemory {
                early = try Fuzzing.residentBytes()
            }
        }
        return inputs >= Self.inputsOfMemory ? try Fuzzing.residentBytes() - early : 0
    }
}

/// Damages sound inputs: bytes changed, taken out, doubled, and pieces of meaning put in.
package struct Mutator {
    private let pieces: [[UInt8]]

    /// - Parameter pieces: what readers of these inputs look for. Not empty.
    package init(_ pieces: [String], raw: [[UInt8]] = []) {
        self.pieces = pieces.map { Array($0.utf8) } + raw
    }

    /// One to five changes.
    package func damaged(_ sound: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = sound
        for _ in 0...random.below(5) {
            let position = random.below(bytes.count + 1)
            switch random.below(6) {
            case 0, 1: bytes.insert(contentsOf: random.pick(pieces), at: position)
            case 2 where position < bytes.count: bytes[position] = UInt8(random.below(256))
            case 3: bytes.removeSubrange(position..<min(bytes.count, position + random.below(9)))
            case 4 where random.chance(1, of: 8): bytes.removeSubrange(position...)
            default:
                let end = min(bytes.count, position + random.below(20))
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            }
        }
        return bytes
    }
}
