import Cryptography

/// Arithmetic in GF(2⁸) modulo x⁸ + x⁴ + x³ + x + 1, in constant time.
///
/// There are no tables of logarithms: their lookups would tell a neighbour on the same cache which
/// bytes of a secret were used. Every operation runs the same instructions for all inputs.
enum Field {
    /// The product: eight conditional additions, chosen by masks and not by branches.
    static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var a = a
        var product: UInt8 = 0
        for bit in UInt8(0)..<8 {
            product ^= a & (0 &- (b >> bit & 1))
            a = a << 1 ^ 0x1b & (0 &- (a >> 7))
        }
        return product
    }

    /// The inverse, a²⁵⁴; 0 for 0, which callers exclude.
    static func invert(_ a: UInt8) -> UInt8 {
        var power = a
        var result: UInt8 = 1
        // 254 = 2 + 4 + … + 128.
        for _ in 0..<7 {
            power = multiply(power, power)
            result = multiply(result, power)
        }
        return result
    }
}

/// One point of a polynomial over the bytes of a secret: `y[i] = f_i(x)`.
final class Point: Sendable {
    let x: UInt8
    let y: SecretBytes

    init(x: UInt8, y: consuming SecretBytes) {
        self.x = x
        self.y = y
    }
}

/// The value at `x` of the polynomials of lowest degree through `points`.
///
/// - Parameter points: at least one, distinct x, all of one length.
/// - Complexity: points² field inversions, points × bytes products.
func interpolate(_ points: [Point], at x: UInt8) -> SecretBytes {
    precondition(!points.isEmpty)
    let weights = points.map { weight(of: $0.x, among: points, at: x) }
    return SecretBytes(count: points[0].y.count) { result in
        for (point, weight) in zip(points, weights) {
            point.y.withBytes { y in
                precondition(y.count == result.count, "points of different lengths")
                for position in y.indices {
                    result[position] ^= Field.multiply(weight, y[position])
                }
            }
        }
    }
}

/// The Lagrange basis polynomial of `own`, evaluated at `x`. Share numbers are not secret.
private func weight(of own: UInt8, among points: [Point], at x: UInt8) -> UInt8 {
    var numerator: UInt8 = 1
    var denominator: UInt8 = 1
    var matches = 0
    for point in points {
        if point.x == own {
            matches += 1
            continue
        }
        numerator = Field.multiply(numerator, x ^ point.x)
        denominator = Field.multiply(denominator, own ^ point.x)
    }
    precondition(matches == 1, "two points with the same x")
    return Field.multiply(numerator, Field.invert(denominator))
}
