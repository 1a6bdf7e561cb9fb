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
        // As OpenBao has it: the request's own answer is the one that waits.
        writer.string(answer.wrap == nil ? uuidText(requestID) : "")
        writer.name("lease_id")
        writer.string("")
        writer.name("renewable")
        writer.bool(false)
        writer.name("lease_duration")
        writer.int(body.leaseSeconds)
        writer.name("data")
        writer.raw(data)
        writer.name("wrap_info")
        if let wrap = answer.wrap { write(wrap, to: &writer) } else { writer.null() }
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
        if let auth = answer.authMembers {
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

    private static func write(_ wrap: WrapBlock, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.name("token")
        writer.string(wrap.token)
        writer.name("accessor")
        writer.string(wrap.accessor)
        writer.name("ttl")
        writer.uint(wrap.seconds)
        writer.name("creation_time")
        writer.string(wrap.created.rfc3339)
        writer.name("creation_path")
        writer.string(wrap.path)
        if !wrap.wrappedAccessor.isEmpty {
            writer.name("wrapped_accessor")
            writer.string(wrap.wrappedAccessor)
        }
        writer.endObject()
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
