import Cryptography
import Testing

@testable import Shamir

@Suite("field of 256 elements")
struct FieldTests {
    /// Long division of polynomials: slow, branching, and written without looking at `Field`.
    private static func schoolbook(_ a: Int, _ b: Int) -> Int {
        var product = 0
        for bit in 0..<8 where b & 1 << bit != 0 { product ^= a << bit }
        for bit in stride(from: 14, through: 8, by: -1) where product & 1 << bit != 0 {
            product ^= 0x11b << (bit - 8)
        }
        return product
    }

    @Test("multiplies all pairs as long division does")
    func products() {
        for a in 0..<256 {
            for b in 0..<256 where Int(Field.multiply(UInt8(a), UInt8(b))) != Self.schoolbook(a, b)
            {
                Issue.record("\(a) × \(b)")
            }
        }
    }

    @Test("inverts all elements but 0")
    func inverses() {
        for a in UInt8(1)...255 { #expect(Field.multiply(a, Field.invert(a)) == 1) }
        #expect(Field.invert(0) == 0)
    }

    @Test("a line through two points is found everywhere")
    func line() {
        // y = 5 + 3x, byte for byte the same.
        func y(_ x: UInt8) -> [UInt8] { [UInt8](repeating: 5 ^ Field.multiply(3, x), count: 4) }
        let points = [Point(x: 9, y: secret(y(9))), Point(x: 200, y: secret(y(200)))]
        for x in UInt8(0)...255 { #expect(interpolate(points, at: x).exposedCopy() == y(x)) }
    }

    @Test("two points with one x are refused")
    func sameX() async {
        await #expect(processExitsWith: .failure) {
            let value = SecretBytes(count: 4) { _ in }
            let points = [Point(x: 1, y: value.clone()), Point(x: 1, y: value.clone())]
            _ = interpolate(points, at: 255)
        }
    }
}
