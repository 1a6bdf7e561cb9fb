import Cryptography
import Wire

/// A key for one-time passwords at rest: format 1, issuer, account, hash function, digits, period,
/// skew, key.
struct TOTPKeyRecord: Equatable {
    var issuer: String
    var account: String
    var hash: HMACFamily
    /// 6 or 8.
    var digits: Int
    /// Seconds, 1 or more.
    var period: UInt64
    /// Periods before and after the present one whose codes are accepted: 0 or 1.
    var skew: UInt64
    var key: [UInt8]

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("TOTP key: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "a TOTP key")
        issuer = try reader.readString(atMost: EngineLimits.totpTextBytesMax)
        account = try reader.readString(atMost: EngineLimits.totpTextBytesMax)
        guard let hash = HMACFamily(rawValue: try reader.readUInt8()) else {
            throw .malformed("a hash function that this version does not have")
        }
        self.hash = hash
        digits = Int(try reader.readUInt8())
        period = try reader.readUInt64()
        skew = UInt64(try reader.readUInt8())
        guard digits == 6 || digits == 8, skew <= 1, period > 0,
            period <= EngineLimits.totpPeriodSecondsMax
        else { throw .malformed("\(digits) digits, \(period) s, skew \(skew) cannot be") }
        key = try reader.readBlob(atMost: EngineLimits.totpKeyBytesMax)
        try reader.finish()
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + key.count)
        writer.writeUInt8(1)
        writer.writeString(issuer)
        writer.writeString(account)
        writer.writeUInt8(hash.rawValue)
        writer.writeUInt8(UInt8(digits))
        writer.writeUInt64(period)
        writer.writeUInt8(UInt8(skew))
        writer.writeBlob(key)
        return writer.bytes
    }
}

extension TOTPKeyRecord {
    init(
        issuer: String,
        account: String,
        key: [UInt8],
        _ settings: TOTPSettings
    ) {
        self.issuer = issuer
        self.account = account
        self.key = key
        hash = settings.hash
        digits = settings.digits
        period = settings.period
        skew = settings.skew
    }

    /// The number of the period that a moment lies in.
    func step(at now: Timestamp) -> UInt64 { now.nanoseconds / 1_000_000_000 / period }

    /// The code of a period.
    ///
    /// - Source: RFC 6238, section 4; RFC 4226, section 5.3.
    func code(ofStep step: UInt64) -> String {
        var writer = ByteWriter(capacity: 8)
        writer.writeUInt64(step)
        let tag = hash.tag(writer.bytes, key: key)
        let offset = Int(tag[tag.count - 1] & 0x0F)
        var number: UInt32 = 0
        for byte in tag[offset..<offset + 4] {
            number = number << 8 | UInt32(byte)
        }
        number &= 0x7FFF_FFFF
        let text = String(number % (digits == 6 ? 1_000_000 : 100_000_000))
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }
}

/// Periods whose codes were accepted, at rest: format 1, then their numbers, ascending. Only those
/// are kept whose codes could be accepted once more.
struct TOTPUsedRecord: Equatable {
    var steps: [UInt64] = []

    init() {}

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "used codes")
            let count = Int(try reader.readUInt8())
            guard count <= EngineLimits.totpUsedStepsMax else {
                throw .tooLong(limit: EngineLimits.totpUsedStepsMax, have: UInt64(count))
            }
            for _ in 0..<count {
                steps.append(try reader.readUInt64())
            }
            try reader.finish()
        } catch {
            throw .damaged("used codes: \(error.summary)")
        }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 2 + steps.count * 8)
        writer.writeUInt8(1)
        writer.writeUInt8(UInt8(steps.count))
        for step in steps {
            writer.writeUInt64(step)
        }
        return writer.bytes
    }
}
