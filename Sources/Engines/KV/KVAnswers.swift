import Wire

/// Bodies that both versions of KV answer with.
enum KVAnswers {
    /// `{"key_info":{…},"keys":[…]}`, without details `{"keys":[…]}`
    static func keys(_ names: [String], details: [UInt8]? = nil) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + names.count * 24 + (details?.count ?? 0))
        writer.beginObject()
        if let details {
            writer.name("key_info")
            writer.raw(details)
        }
        writer.name("keys")
        writer.beginArray()
        for name in names {
            writer.string(name)
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// The same for a recursive listing, where finding nothing is no error: `{}`.
    static func scanned(_ names: [String]) -> [UInt8] {
        names.isEmpty ? Array("{}".utf8) : keys(names)
    }

    /// Refuses a value that could not be stored, before anything is sealed.
    static func checkSize(_ json: [UInt8]) throws(EngineError) {
        guard json.count <= EngineLimits.valueBytesMax else {
            throw .tooLarge(
                "the value of this secret is \(json.count) bytes of JSON, the limit is "
                    + "\(EngineLimits.valueBytesMax)"
            )
        }
    }
}
