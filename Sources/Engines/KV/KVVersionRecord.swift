import Wire

/// The value of one version at rest: format 1, then the object as JSON with sorted names and
/// numbers exactly as they were sent. A read copies it into its answer without parsing.
struct KVVersionRecord {
    let json: [UInt8]

    /// - Parameter data: an object, or null.
    init(data: JSONValue) {
        json = data.encoded(sortingKeys: true)
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        guard bytes.count >= 3, bytes[0] == 1 else {
            throw .damaged("KV version: it has \(bytes.count) bytes or its format is not 1")
        }
        json = Array(bytes[1...])
    }

    func encoded() -> [UInt8] { [1] + json }
}
