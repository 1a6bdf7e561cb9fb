import Wire

/// The value of one version at rest: format 1, then the object as JSON with sorted names and
/// numbers exactly as they were sent. A read copies it into its answer without parsing.
struct KVVersionRecord {
    let json: [UInt8]

    /// - Parameter data: an object, or null.
    init(data: JSONValue) {
        json = data.encoded(sortingKeys: true)
    }

    /// - Parameter json: an object, its names sorted.
    init(json: [UInt8]) { self.json = json }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a version of a KV secret")
            guard reader.remaining >= 2 else { throw .truncated(need: 2, have: reader.remaining) }
            json = try reader.readBytes(reader.remaining)
        } catch {
            throw .damaged("KV version: \(error.summary)")
        }
    }

    func encoded() -> [UInt8] { [1] + json }
}
