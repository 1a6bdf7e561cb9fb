import Wire

/// A record of one number: how many there are of something. Format 1: the number.
///
/// Written also where the number stays, if its modification index is what others watch.
struct CountRecord: Sendable, Equatable {
    var count: UInt64

    init(_ count: UInt64) { self.count = count }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 9)
        writer.writeUInt8(1)
        writer.writeUInt64(count)
        return writer.bytes
    }

    /// - Parameter counted: what there are so many of, for the error: `jobs`.
    init(decoding bytes: [UInt8], of counted: String) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a number")
            count = try reader.readUInt64()
            try reader.finish()
        } catch {
            throw .damaged("count of \(counted): \(error.summary)")
        }
    }
}
