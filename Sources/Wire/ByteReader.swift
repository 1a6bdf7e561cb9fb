/// Walks over bytes that somebody else wrote. A failure is one thrown error, never a crash.
///
/// Integers are big-endian. Lengths are canonical varints and are compared with the caller's limit
/// and with what is left before anything is allocated. After an error the position is unspecified:
/// throw the reader away.
package struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private var position = 0

    /// Reads from the first byte of `bytes`.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads from the first byte of the slice. Copies it.
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Bytes not read yet.
    package var remaining: Int { bytes.count - position }

    /// One byte.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``.
    package mutating func readUInt8() throws(WireError) -> UInt8 {
        try require(1)
        defer { position += 1 }
        return bytes[position]
    }

    /// Two bytes, big-endian.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``.
    package mutating func readUInt16() throws(WireError) -> UInt16 {
        UInt16(truncatingIfNeeded: try readBigEndian(2))
    }

    /// Four bytes, big-endian.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``.
    package mutating func readUInt32() throws(WireError) -> UInt32 {
        UInt32(truncatingIfNeeded: try readBigEndian(4))
    }

    /// Eight bytes, big-endian.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``.
    package mutating func readUInt64() throws(WireError) -> UInt64 {
        try readBigEndian(8)
    }

    /// A number of 1 to 10 bytes, seven bits each, least significant first (LEB128).
    ///
    /// Only the shortest form is accepted, so that equal values have equal bytes and a digest over
    /// an encoding is a digest over the value.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``, ``WireError/malformed(_:)``.
    package mutating func readVarint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readUInt8()
            if shift == 63 && byte > 1 {
                throw .malformed("varint is larger than 64 bits")
            }
            value |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else {
                if byte == 0 && shift > 0 { throw .malformed("varint is not in its shortest form") }
                return value
            }
            shift += 7
        }
    }

    /// Exactly `count` bytes.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``; a negative count is malformed.
    package mutating func readBytes(_ count: Int) throws(WireError) -> [UInt8] {
        guard count >= 0 else { throw .malformed("length \(count) is negative") }
        try require(count)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// A varint length and that many bytes.
    ///
    /// - Parameter limit: most bytes accepted, not counting the length itself.
    /// - Throws: ``WireError/tooLong(limit:have:)`` before anything is copied,
    ///   ``WireError/truncated(need:have:)``, ``WireError/malformed(_:)``.
    package mutating func readBlob(atMost limit: Int) throws(WireError) -> [UInt8] {
        let length = try readVarint()
        guard let count = Int(exactly: length), count <= limit else {
            throw .tooLong(limit: limit, have: length)
        }
        return try readBytes(count)
    }

    /// A blob that must be valid UTF-8.
    ///
    /// - Parameter limit: most bytes accepted, not counting the length itself.
    /// - Throws: as ``readBlob(atMost:)``; ``WireError/malformed(_:)`` for invalid UTF-8.
    package mutating func readString(atMost limit: Int) throws(WireError) -> String {
        let blob = try readBlob(atMost: limit)
        guard let text = String(validating: blob, as: UTF8.self) else {
            throw .malformed("text is not valid UTF-8")
        }
        return text
    }

    /// A count and that many texts.
    ///
    /// - Parameters:
    ///   - countMax: most texts accepted.
    ///   - bytesMax: most bytes accepted in one of them.
    /// - Throws: ``WireError/tooLong(limit:have:)`` for more texts; as ``readString(atMost:)``.
    package mutating func readTexts(countMax: Int, bytesMax: Int) throws(WireError) -> [String] {
        let count = try readVarint()
        guard count <= UInt64(countMax) else { throw .tooLong(limit: countMax, have: count) }
        var texts: [String] = []
        for _ in 0..<count { texts.append(try readString(atMost: bytesMax)) }
        return texts
    }

    /// One byte that is 0 or 1.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``, ``WireError/malformed(_:)``.
    package mutating func readBool() throws(WireError) -> Bool {
        let byte = try readUInt8()
        guard byte <= 1 else { throw .malformed("flag is \(byte), not 0 or 1") }
        return byte == 1
    }

    /// The byte that everything at rest or between members begins with: in which form the rest is.
    ///
    /// - Parameters:
    ///   - known: the forms that this version reads.
    ///   - record: what it is the form of, with its article, for the error: `a role`.
    /// - Returns: one of `known`.
    /// - Throws: ``WireError/truncated(need:have:)``; ``WireError/malformed(_:)`` for another form.
    package mutating func readFormat(
        _ known: ClosedRange<UInt8>,
        of record: String
    ) throws(WireError) -> UInt8 {
        let format = try readUInt8()
        guard known.contains(format) else {
            let first = known.lowerBound
            let forms = known.count > 1 ? "\(first) to \(known.upperBound)" : "\(first)"
            throw .malformed("\(record) in format \(format); this version reads \(forms)")
        }
        return format
    }

    /// The same for what has only one form.
    package mutating func readFormat(_ only: UInt8 = 1, of record: String) throws(WireError) {
        _ = try readFormat(only...only, of: record)
    }

    /// Says that the value ends here.
    ///
    /// - Throws: ``WireError/trailing(_:)`` when bytes are left.
    package func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailing(remaining) }
    }

    private func require(_ count: Int) throws(WireError) {
        guard remaining >= count else { throw .truncated(need: count, have: remaining) }
    }

    private mutating func readBigEndian(_ count: Int) throws(WireError) -> UInt64 {
        try require(count)
        var value: UInt64 = 0
        for offset in position..<position + count {
            value = value << 8 | UInt64(bytes[offset])
        }
        position += count
        return value
    }
}
