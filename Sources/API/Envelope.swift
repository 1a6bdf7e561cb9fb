import Engines
import Vault
import Wire

/// The success body of the API, member for member in OpenBao's order.
enum Envelope {
    /// Compact JSON and a line feed.
    static func encoded(_ answer: VaultAnswer, requestID: [UInt8]) -> [UInt8] {
        let body = answer.body
        let data = body.data ?? Array("null".utf8)
        var writer = JSONWriter(capacity: 192 + data.count * (answer.isInjected ? 2 : 1))
        writer.beginObject()
        writer.name("request_id")
        writer.string(uuidText(requestID))
        writer.name("lease_id")
        writer.string("")
        writer.name("renewable")
        writer.bool(false)
        writer.name("lease_duration")
        writer.int(body.leaseSeconds)
        writer.name("data")
        writer.raw(data)
        writer.name("wrap_info")
        writer.null()
        writer.name("warnings")
        if body.warnings.isEmpty {
            writer.null()
        } else {
            writer.beginArray()
            for warning in body.warnings {
                writer.string(warning)
            }
            writer.endArray()
        }
        writer.name("auth")
        if let auth = answer.auth {
            writer.beginObject()
            for (name, value) in auth.members {
                writer.name(name)
                writer.write(value)
            }
            writer.endObject()
        } else {
            writer.null()
        }
        writer.endObject()
        let envelope = writer.bytes + [0x0A]
        return answer.isInjected ? injecting(body.data, into: envelope) : envelope
    }

    /// Puts the members of `data` before `request_id` as well, where old clients read them.
    private static func injecting(_ data: [UInt8]?, into envelope: [UInt8]) -> [UInt8] {
        // `{}` has no members to repeat.
        guard let data, data.count > 2 else { return envelope }
        var result: [UInt8] = []
        result.reserveCapacity(envelope.count + data.count)
        result.append(contentsOf: data.dropLast())
        result.append(0x2C)
        result.append(contentsOf: envelope.dropFirst())
        return result
    }
}
