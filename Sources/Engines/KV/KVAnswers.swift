import Wire

/// Bodies that both versions of KV answer with.
enum KVAnswers {
    /// `{"keys":[…]}`
    static func keys(_ names: [String]) -> [UInt8] {
        var writer = JSONWriter(capacity: 16 + names.count * 24)
        writer.beginObject()
        writer.name("keys")
        writer.beginArray()
        for name in names {
            writer.string(name)
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
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
