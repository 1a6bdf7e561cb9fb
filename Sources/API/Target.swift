import Wire

/// The target of a request after every trick with it was turned away.
struct Target {
    /// Behind `/v1/`, decoded. Every segment but the last is non-empty, none is `.` or `..`, every
    /// character prints.
    let path: String
    let query: Query

    /// - Throws: a redirect for what only needs cleaning, 400 for what cannot be meant, 404
    ///   outside the API.
    init(_ bytes: [UInt8]) throws(RouteError) {
        guard bytes.count <= APILimits.targetBytesMax else { throw .bare(414) }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw .bare(400) }
        let target = Self.withoutAuthority(bytes[...])
        guard target.first == 0x2F else { throw .bare(400) }
        let mark = target.firstIndex(of: 0x3F) ?? target.endIndex
        let raw = target[..<mark]
        let query = target[mark...]

        let cleaned = Self.cleaned(raw)
        guard cleaned == raw else { throw .redirect(Self.location(cleaned, query)) }
        guard let decoded = Percent.decoded(raw) else { throw .bare(400) }
        guard let whole = String(validating: decoded, as: UTF8.self), whole.isPrintable
        else { throw .bare(400) }
        guard decoded.starts(with: Self.prefix) else { throw .refused(404, []) }

        let path = decoded[Self.prefix.count...]
        // Only percent-encoding can hide what cleaning would have found.
        if decoded.count != raw.count { try Self.checkSegments(path) }
        self.path = String(decoding: path, as: UTF8.self)
        self.query = Query(query.dropFirst())
    }

    private static let prefix = Array("/v1/".utf8)

    /// `http://host/path` is as good as `/path`.
    private static func withoutAuthority(_ target: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for scheme in ["http://", "https://"] where target.starts(with: scheme.utf8) {
            let rest = target.dropFirst(scheme.utf8.count)
            return rest[(rest.firstIndex(of: 0x2F) ?? rest.endIndex)...]
        }
        return target
    }

    /// The path without empty, `.` and `..` segments, still encoded. The same bytes if it has none.
    private static func cleaned(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard mayNeedCleaning(path) else { return path }
        let parts = path.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false)
        var kept: [ArraySlice<UInt8>] = []
        var isClean = true
        for (position, part) in parts.enumerated() {
            switch Array(part.prefix(3)) {
            case [] where position == parts.count - 1:
                break
            case [], [0x2E]:
                isClean = false
            case [0x2E, 0x2E]:
                isClean = false
                _ = kept.popLast()
            default:
                kept.append(part)
            }
        }
        guard !isClean else { return path }
        var result: [UInt8] = []
        for part in kept {
            result.append(0x2F)
            result.append(contentsOf: part)
        }
        if path.last == 0x2F || result.isEmpty { result.append(0x2F) }
        return result[...]
    }

    /// Whether a slash is followed by another one or by a dot, which is rare.
    private static func mayNeedCleaning(_ path: ArraySlice<UInt8>) -> Bool {
        var isAfterSlash = false
        for byte in path {
            if isAfterSlash && (byte == 0x2F || byte == 0x2E) { return true }
            isAfterSlash = byte == 0x2F
        }
        return false
    }

    /// Bytes that may stand in a header; what is not ASCII is encoded.
    private static func location(
        _ path: ArraySlice<UInt8>,
        _ query: ArraySlice<UInt8>
    ) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in [path, query].joined() {
            if byte < 0x80 {
                result.append(byte)
            } else {
                result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return result
    }

    /// What was hidden from cleaning behind percent-encoding is refused.
    private static func checkSegments(_ path: ArraySlice<UInt8>) throws(RouteError) {
        let parts = path.split(separator: 0x2F, omittingEmptySubsequences: false)
        for (position, part) in parts.enumerated() {
            if part.elementsEqual([0x2E]) || part.elementsEqual([0x2E, 0x2E]) {
                throw .refused(400, ["relative paths not supported"])
            }
            if part.isEmpty && position < parts.count - 1 {
                throw .refused(400, ["empty path segments not supported"])
            }
        }
    }
}
