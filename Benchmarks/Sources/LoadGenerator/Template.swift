/// Text with a counter in it, rendered to bytes for every request.
///
/// - `{n}` is the counter in decimal.
/// - `{b64:TEXT}` is the base64 of TEXT, in which `#` is the counter: etcd's gateway wants keys so.
/// - Anything else is literal, other braces too, so JSON needs no escaping.
package struct Template: Sendable, Equatable {
    private enum Piece: Sendable, Equatable {
        case literal([UInt8])
        case counter
        case base64([Piece])
    }

    private let pieces: [Piece]

    package init(_ text: String) {
        pieces = Self.pieces(of: Array(text.utf8))
    }

    /// Appends the text for `counter` to `bytes`.
    package func render(_ counter: Int, into bytes: inout [UInt8]) {
        for piece in pieces { Self.render(piece, counter, into: &bytes) }
    }

    package func rendered(_ counter: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        render(counter, into: &bytes)
        return bytes
    }

    private static func render(_ piece: Piece, _ counter: Int, into bytes: inout [UInt8]) {
        switch piece {
        case .literal(let literal): bytes.append(contentsOf: literal)
        case .counter: bytes.append(contentsOf: String(counter).utf8)
        case .base64(let inner):
            var plain: [UInt8] = []
            for piece in inner { render(piece, counter, into: &plain) }
            appendBase64(plain, to: &bytes)
        }
    }

    private static func pieces(of text: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var position = 0
        func flush() {
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = []
        }
        while position < text.count {
            let rest = text[position...]
            if rest.starts(with: "{n}".utf8) {
                flush()
                pieces.append(.counter)
                position += 3
            } else if rest.starts(with: "{b64:".utf8),
                let end = rest.firstIndex(of: UInt8(ascii: "}"))
            {
                flush()
                pieces.append(.base64(hashPieces(of: text[(position + 5)..<end])))
                position = end + 1
            } else {
                literal.append(text[position])
                position += 1
            }
        }
        flush()
        return pieces
    }

    /// The pieces of a base64 text: literal runs with a counter for every `#`.
    private static func hashPieces(of text: ArraySlice<UInt8>) -> [Piece] {
        var pieces: [Piece] = []
        let parts = text.split(separator: UInt8(ascii: "#"), omittingEmptySubsequences: false)
        for (position, part) in parts.enumerated() {
            if position > 0 { pieces.append(.counter) }
            if !part.isEmpty { pieces.append(.literal(Array(part))) }
        }
        return pieces
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    private static func appendBase64(_ plain: [UInt8], to bytes: inout [UInt8]) {
        for start in stride(from: 0, to: plain.count, by: 3) {
            let have = min(3, plain.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 {
                group = group << 8 | (offset < have ? UInt32(plain[start + offset]) : 0)
            }
            for digit in 0..<4 {
                if digit > have {
                    bytes.append(UInt8(ascii: "="))
                } else {
                    bytes.append(alphabet[Int(group >> UInt32(18 - 6 * digit)) & 63])
                }
            }
        }
    }
}
