/// A QR code: bytes as a square of dark and light modules.
///
/// Byte mode, error correction level M (15 % of the codewords may be wrong), versions 1 to 40.
/// - Source: ISO/IEC 18004.
struct QRCode {
    /// Modules along a side: 21 to 177.
    let side: Int
    /// Row after row; true is dark.
    private(set) var modules: [Bool]
    /// Of the modules: those that hold no data.
    private var isFixed: [Bool]
    private let version: Int

    /// Nil for more bytes than a code of version 40 takes: 2,331.
    ///
    /// - Parameter mask: 0 to 7; nil: the one that is read best.
    init?(_ bytes: [UInt8], mask: Int? = nil) {
        guard
            let version = (1...40).first(where: { version in
                4 + QRSizes.countBits(version) + bytes.count * 8
                    <= QRSizes.dataCodewords(version) * 8
            })
        else { return nil }
        self.version = version
        side = version * 4 + 17
        modules = Array(repeating: false, count: side * side)
        isFixed = modules
        drawFixed()
        place(QRCodewords.interleaved(QRCodewords.data(bytes, version), version))
        var best = self
        var bestPenalty = Int.max
        for each in mask.map({ [$0] }) ?? Array(0..<8) {
            var candidate = self
            candidate.apply(mask: each)
            let penalty = QRPenalty(candidate).total
            if penalty < bestPenalty { (best, bestPenalty) = (candidate, penalty) }
        }
        modules = best.modules
    }

    /// Whether a module is dark.
    subscript(column: Int, row: Int) -> Bool { modules[row * side + column] }

    // MARK: fixed parts

    private mutating func fix(_ column: Int, _ row: Int, _ isDark: Bool) {
        modules[row * side + column] = isDark
        isFixed[row * side + column] = true
    }

    private mutating func drawFixed() {
        for position in 0..<side {
            fix(6, position, position % 2 == 0)
            fix(position, 6, position % 2 == 0)
        }
        for (column, row) in [(3, 3), (side - 4, 3), (3, side - 4)] {
            drawFinder(column, row)
        }
        let places = QRSizes.alignments(version)
        for (first, column) in places.enumerated() {
            for (second, row) in places.enumerated() {
                let last = places.count - 1
                let isAtFinder = [[0, 0], [0, last], [last, 0]].contains([first, second])
                if !isAtFinder { drawAlignment(column, row) }
            }
        }
        drawFormat(mask: 0)
        drawVersion()
    }

    /// Three nested squares and the light border around them.
    private mutating func drawFinder(_ column: Int, _ row: Int) {
        for down in -4...4 {
            for right in -4...4 {
                let (x, y) = (column + right, row + down)
                guard (0..<side).contains(x), (0..<side).contains(y) else { continue }
                let distance = max(abs(right), abs(down))
                fix(x, y, distance != 2 && distance != 4)
            }
        }
    }

    private mutating func drawAlignment(_ column: Int, _ row: Int) {
        for down in -2...2 {
            for right in -2...2 {
                fix(column + right, row + down, max(abs(right), abs(down)) != 1)
            }
        }
    }

    /// Level and mask with their own error correction, twice.
    private mutating func drawFormat(mask: Int) {
        // Level M is 0.
        var rest = mask
        for _ in 0..<10 { rest = rest << 1 ^ (rest >> 9) * 0x537 }
        let bits = (mask << 10 | rest) ^ 0x5412
        func isSet(_ position: Int) -> Bool { bits >> position & 1 == 1 }
        for position in 0..<6 { fix(8, position, isSet(position)) }
        fix(8, 7, isSet(6))
        fix(8, 8, isSet(7))
        fix(7, 8, isSet(8))
        for position in 9..<15 { fix(14 - position, 8, isSet(position)) }
        for position in 0..<8 { fix(side - 1 - position, 8, isSet(position)) }
        for position in 8..<15 { fix(8, side - 15 + position, isSet(position)) }
        fix(8, side - 8, true)
    }

    private mutating func drawVersion() {
        guard version >= 7 else { return }
        var rest = version
        for _ in 0..<12 { rest = rest << 1 ^ (rest >> 11) * 0x1F25 }
        let bits = version << 12 | rest
        for position in 0..<18 {
            let isSet = bits >> position & 1 == 1
            let (far, near) = (side - 11 + position % 3, position / 3)
            fix(far, near, isSet)
            fix(near, far, isSet)
        }
    }

    // MARK: data

    /// Bits go up and down in columns of two, from the right.
    private mutating func place(_ codewords: [UInt8]) {
        var position = 0
        var right = side - 1
        while right >= 1 {
            // The column of the timing pattern is left out.
            if right == 6 { right = 5 }
            for step in 0..<side {
                let isUpward = (right + 1) & 2 == 0
                let row = isUpward ? side - 1 - step : step
                for column in [right, right - 1] where !isFixed[row * side + column] {
                    // What is left over stays light.
                    guard position < codewords.count * 8 else { continue }
                    let byte = codewords[position / 8]
                    modules[row * side + column] = byte >> (7 - position % 8) & 1 == 1
                    position += 1
                }
            }
            right -= 2
        }
    }

    private mutating func apply(mask: Int) {
        drawFormat(mask: mask)
        for row in 0..<side {
            for column in 0..<side where !isFixed[row * side + column] {
                if Self.inverts(mask, column, row) { modules[row * side + column].toggle() }
            }
        }
    }

    private static func inverts(_ mask: Int, _ column: Int, _ row: Int) -> Bool {
        let product = column * row
        return switch mask {
        case 0: (column + row) % 2 == 0
        case 1: row % 2 == 0
        case 2: column % 3 == 0
        case 3: (column + row) % 3 == 0
        case 4: (column / 3 + row / 2) % 2 == 0
        case 5: product % 2 + product % 3 == 0
        case 6: (product % 2 + product % 3) % 2 == 0
        default: ((column + row) % 2 + product % 3) % 2 == 0
        }
    }
}

/// How hard a code is to read: the mask with the least is taken.
private struct QRPenalty {
    let total: Int

    init(_ code: QRCode) {
        var total = 0
        for line in 0..<code.side {
            total += Self.penalty(of: (0..<code.side).map { code[$0, line] })
            total += Self.penalty(of: (0..<code.side).map { code[line, $0] })
        }
        for row in 0..<code.side - 1 {
            for column in 0..<code.side - 1 {
                let isDark = code[column, row]
                let isBlock =
                    code[column + 1, row] == isDark && code[column, row + 1] == isDark
                    && code[column + 1, row + 1] == isDark
                if isBlock { total += 3 }
            }
        }
        let darkCount = code.modules.count { $0 }
        let percent = darkCount * 100 / code.modules.count
        self.total = total + abs(percent - 50) / 5 * 10
    }

    /// Long runs, and what looks like a finder pattern beside a light space.
    private static func penalty(of line: [Bool]) -> Int {
        var total = 0
        var run = 0
        for (position, isDark) in line.enumerated() {
            run = position > 0 && line[position - 1] == isDark ? run + 1 : 1
            if run == 5 { total += 3 }
            if run > 5 { total += 1 }
        }
        for start in 0...line.count - 11 {
            let window = line[start..<start + 11]
            if window.elementsEqual(finder) || window.elementsEqual(finder.reversed()) {
                total += 40
            }
        }
        return total
    }

    private static let finder = [
        true, false, true, true, true, false, true, false, false, false, false,
    ]
}
