import Wire

/// Where a request stands in a distributed trace.
///
/// Source: W3C Trace Context, level 1, section 3.2 (`traceparent`). `tracestate` is neither read
/// nor passed on: it belongs to vendors, and the recommendation allows to drop it.
package struct TraceContext: Sendable, Equatable {
    /// 16 bytes, not all zero: the same for everything that one cause led to.
    package let traceID: [UInt8]
    /// 8 bytes, not all zero: the part of the trace that asks.
    package let parentID: [UInt8]
    /// Bit 0: the caller may have recorded it.
    package let flags: UInt8

    /// What a header says; nil for one that is absent or not well-formed, which starts a new
    /// trace.
    ///
    /// - Parameter header: the value of `traceparent`. Of a later version only what this one
    ///   defines is read.
    package init?(header: String?) {
        guard let bytes = header.map({ Array($0.utf8) }), bytes.count >= Self.headerBytes,
            bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash,
            let version = Self.decoded(bytes[0..<2])?.first, version != 0xFF,
            bytes.count == Self.headerBytes || version > 0 && bytes[55] == Self.dash,
            let traceID = Self.decoded(bytes[3..<35]), let parentID = Self.decoded(bytes[36..<52]),
            let flags = Self.decoded(bytes[53..<55])?.first,
            traceID.contains(where: { $0 != 0 }), parentID.contains(where: { $0 != 0 })
        else { return nil }
        self.traceID = traceID
        self.parentID = parentID
        self.flags = flags
    }

    /// The context of what this node does for a request: in the caller's trace, or in a new one.
    ///
    /// No randomness of its own: a request id is 16 random bytes, so it serves as the id of a new
    /// trace, and its first half as the id of this node's part.
    ///
    /// - Parameters:
    ///   - caller: what the request's header said.
    ///   - requestID: 16 bytes.
    ///   - isForwarded: this node does it for the member that got the request. Its part has the
    ///     id's other half as its id: the member's part, which asks for it, has the first.
    package init(of caller: TraceContext?, requestID: [UInt8], isForwarded: Bool = false) {
        precondition(requestID.count == 16, "a request id has 16 bytes")
        func part(_ half: ArraySlice<UInt8>, _ instead: UInt8) -> [UInt8] {
            half.contains { $0 != 0 } ? Array(half) : [0, 0, 0, 0, 0, 0, 0, instead]
        }
        let first = part(requestID[..<8], 1)
        parentID = isForwarded ? part(requestID[8...], 2) : first
        traceID = caller?.traceID ?? first + requestID[8...]
        flags = caller?.flags ?? 0
    }

    /// As a header of a request to somebody else. Only the flags that this version defines are
    /// passed on.
    package var header: String {
        "00-\(Hex.encode(traceID))-\(Hex.encode(parentID))-\(Hex.encode([flags & 1]))"
    }

    private static let headerBytes = 55
    private static let dash = UInt8(ascii: "-")

    /// Upper-case digits are refused, as the recommendation demands.
    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
        guard text.allSatisfy({ digits.contains($0) || letters.contains($0) }) else { return nil }
        return Hex.decode(String(decoding: text, as: UTF8.self))
    }
}
