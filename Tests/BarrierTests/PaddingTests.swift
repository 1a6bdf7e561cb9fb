import Testing

@testable import Barrier

@Suite("padding")
struct PaddingTests {
    @Test("a value grows by at most 12 %, and short ones all look alike")
    func valueClasses() {
        let largest = BarrierLimits.valueBytesMax
        let small = Array(0...5_000)
        let samples = small + Array(stride(from: 5_001, through: largest, by: 97)) + [largest]
        var previous = 0
        var classes = 0
        for count in samples {
            let padded = Padding.valueClassBytes(framed: count + 4)
            #expect(padded >= count + 4)
            #expect(padded >= previous, "classes go back at \(count)")
            if count >= 58 {
                #expect(padded * 100 <= count * 112, "\(count) bytes grow to \(padded)")
            } else if count <= 60 {
                #expect(padded == 64)
            }
            if padded != previous { classes += 1 }
            previous = padded
        }
        #expect(classes <= 16 * 14 + 2, "a class tells too much: there are \(classes)")
        #expect(Padding.valueClassBytes(framed: largest + 4) == largest + 4)
    }

    @Test("values come back", arguments: [0, 1, 59, 60, 61, 64, 100, 4_096, 70_000, 1 << 20])
    func values(count: Int) {
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 1) }
        let padded = Padding.pad(value: value)
        #expect(padded.count == Padding.valueClassBytes(framed: count + 4))
        #expect(Padding.unpad(value: padded) == value)
    }

    @Test("names are padded to 32 bytes", arguments: [1, 2, 30, 31, 62, 63, 4_160])
    func names(count: Int) {
        let name = [UInt8](repeating: 0x61, count: count)
        let padded = Padding.pad(name: name[...])
        #expect(padded.count % 32 == 0)
        #expect(padded.count - count < 34)
        #expect(Padding.unpad(name: padded).map { Array($0) } == name)
    }

    @Test("what no padding makes is refused")
    func nonsense() {
        #expect(Padding.unpad(value: []) == nil)
        #expect(Padding.unpad(value: [0, 0, 0]) == nil)
        #expect(Padding.unpad(value: [0, 0, 0, 61] + [UInt8](repeating: 0, count: 60)) == nil)
        #expect(Padding.unpad(value: [0, 0, 0, 1] + [UInt8](repeating: 0, count: 64)) == nil)
        #expect(Padding.unpad(value: [255, 255, 255, 255]) == nil)
        #expect(Padding.unpad(name: []) == nil)
        #expect(Padding.unpad(name: [0, 31] + [UInt8](repeating: 0, count: 30)) == nil)
        #expect(Padding.unpad(name: [0, 1, 0x61]) == nil)
    }
}
