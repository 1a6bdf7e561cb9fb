import Barrier
import Engines
package import Wire

/// The `wrap_info` member of an answer: where the answer itself waits, and for whom.
package struct WrapBlock: Sendable, Equatable {
    /// Gives the answer out, once.
    package let token: String
    package let accessor: String
    /// How long the answer waits.
    package let seconds: UInt64
    package let created: Timestamp
    /// The path of the request that is answered.
    package let path: String
    /// Of the token in the answer; empty where it holds none.
    package let wrappedAccessor: String
}

/// An answer that waits for its one reader, at rest in the cubbyhole of its wrapping token.
///
/// Format 1: path of the request, seconds that it waits, data, lease in seconds, warnings, `auth`
/// as JSON, accessor in it.
struct WrappedAnswer: Sendable, Equatable {
    let path: String
    let seconds: UInt64
    /// JSON; nil is null.
    let data: [UInt8]?
    let leaseSeconds: UInt64
    let warnings: [String]
    /// JSON; nil is null.
    let auth: [UInt8]?
    let accessor: String

    init(_ answer: VaultAnswer, path: String, seconds: UInt64) throws(VaultError) {
        self.path = path
        self.seconds = seconds
        data = answer.body.data
        leaseSeconds = UInt64(clamping: answer.body.leaseSeconds)
        warnings = answer.body.warnings
        auth = answer.authMembers.map { JSONValue.object($0).encoded(sortingKeys: false) }
        accessor = answer.authMembers?["accessor"]?.asString ?? answer.body.accessor
        let count = encoded().count
        guard count <= EngineLimits.valueBytesMax else {
            throw .engine(
                .tooLarge(
                    "the answer to wrap is \(count) bytes, the limit is "
                        + "\(EngineLimits.valueBytesMax)"
                )
            )
        }
    }

    /// The same for another token, with the time that it waits beginning anew.
    var answer: VaultAnswer {
        get throws(VaultError) {
            var body = EngineAnswer(
                data: data,
                leaseSeconds: Int(clamping: leaseSeconds),
                warnings: warnings
            )
            if auth == nil { body.accessor = accessor }
            var answer = VaultAnswer(body)
            guard let auth else { return answer }
            guard let members = try? JSONScanner.parse(auth, limits: .trusted).asObject else {
                throw .damaged("wrapped answer: its auth is no object")
            }
            answer.unwrappedAuth = members
            return answer
        }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256 + (data?.count ?? 0) + (auth?.count ?? 0))
        writer.writeUInt8(1)
        writer.writeString(path)
        writer.writeUInt64(seconds)
        writer.writeBool(data != nil)
        if let data { writer.writeBlob(data) }
        writer.writeUInt64(leaseSeconds)
        writer.writeTexts(warnings)
        writer.writeBool(auth != nil)
        if let auth { writer.writeBlob(auth) }
        writer.writeString(accessor)
        return writer.bytes
    }
}

extension WrappedAnswer {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("wrapped answer: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "a wrapped answer")
        let limit = BarrierLimits.valueBytesMax
        path = try reader.readString(atMost: limit)
        seconds = try reader.readUInt64()
        data = try reader.readBool() ? try reader.readBlob(atMost: limit) : nil
        leaseSeconds = try reader.readUInt64()
        warnings = try reader.readTexts(countMax: limit, bytesMax: limit)
        auth = try reader.readBool() ? try reader.readBlob(atMost: limit) : nil
        accessor = try reader.readString(atMost: limit)
        try reader.finish()
    }
}

extension VaultAnswer {
    /// Whether it may be given to somebody else later: refusals and what says nothing may not.
    var isWrappable: Bool { body.status == 200 && wrap == nil }

    /// The members of `auth`, of a token made now or unwrapped now.
    package var authMembers: JSONObject? {
        unwrappedAuth ?? auth.map { JSONObject($0.members) }
    }
}
