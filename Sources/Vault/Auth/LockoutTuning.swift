import Engines
import Wire

/// When an auth method locks a user out, as `tune` sets it: `user_lockout_config`.
struct LockoutTuning: Sendable, Equatable {
    /// Failures in a row until the user is locked; 0 = as the system says.
    var threshold = 0
    /// How long the lock lasts, in seconds; 0 = as the system says.
    var seconds = 0
    /// Without a failure for so long, in seconds, the count starts again; 0 = as the system says.
    var resetSeconds = 0
    var isDisabled = false

    /// The auth methods that count failures. With the others guessing is hopeless, so a lock would
    /// only help who wants to lock somebody out.
    static func applies(to kind: EngineKind) -> Bool {
        kind == .userpass || kind == .approle
    }

    /// What a mount's tuning comes to; nil: its users are never locked out.
    static func rule(of record: MountRecord) -> LoginFailures.Rule? {
        guard applies(to: record.kind) else { return nil }
        let tuning = record.tuning.lockout ?? LockoutTuning()
        guard !tuning.isDisabled else { return nil }
        func given(_ number: Int, _ standard: Int) -> Int { number > 0 ? number : standard }
        return LoginFailures.Rule(
            threshold: given(tuning.threshold, VaultLimits.lockoutThreshold),
            seconds: given(tuning.seconds, VaultLimits.lockoutSeconds),
            resetSeconds: given(tuning.resetSeconds, VaultLimits.lockoutResetSeconds)
        )
    }

    /// The tuning after a request that names some of it.
    ///
    /// - Parameter raw: the member `user_lockout_config`.
    mutating func apply(_ raw: JSONObject) throws(VaultError) {
        if let value = raw["lockout_threshold"] { threshold = try Self.threshold(value) }
        if let value = raw["lockout_duration"] { seconds = try Self.seconds(value) }
        if let value = raw["lockout_counter_reset_duration"] {
            resetSeconds = try Self.seconds(value)
        }
        switch raw["lockout_disable"] {
        case nil, .null: break
        case .bool(let flag): isDisabled = flag
        default: throw .invalid("unable to convert given user lockout config information")
        }
    }

    private static func threshold(_ value: JSONValue) throws(VaultError) -> Int {
        let text: String
        switch value {
        case .string(let given): text = given
        case .number(let number): text = number.text
        default: throw .invalid("unable to convert given user lockout config information")
        }
        guard let number = UInt(text), let threshold = Int(exactly: number) else {
            throw .invalid(
                "unable to parse user lockout threshold: strconv.ParseUint: parsing "
                    + "\(GoText.quoted(text)): invalid syntax"
            )
        }
        return threshold
    }

    private static func seconds(_ value: JSONValue) throws(VaultError) -> Int {
        let text: String
        switch value {
        case .string(let given): text = given
        case .number(let number): text = number.text
        default: throw .invalid("unable to convert given user lockout config information")
        }
        return try MountText.seconds(text)
    }

    /// As mounts and their tuning show it.
    var members: [(name: String, value: JSONValue)] {
        [
            ("user_lockout_counter_reset_duration", .number(JSONNumber(resetSeconds))),
            ("user_lockout_disable", .bool(isDisabled)),
            ("user_lockout_duration", .number(JSONNumber(seconds))),
            ("user_lockout_threshold", .number(JSONNumber(threshold))),
        ]
    }

    func write(to writer: inout ByteWriter) {
        for number in [threshold, seconds, resetSeconds] {
            writer.writeVarint(UInt64(number))
        }
        writer.writeBool(isDisabled)
    }

    init() {}

    init(reading reader: inout ByteReader) throws(WireError) {
        threshold = try Self.count(&reader)
        seconds = try Self.count(&reader)
        resetSeconds = try Self.count(&reader)
        isDisabled = try reader.readBool()
    }

    private static func count(_ reader: inout ByteReader) throws(WireError) -> Int {
        let number = try reader.readVarint()
        guard let count = Int(exactly: number) else {
            throw .malformed("a lockout setting of \(number)")
        }
        return count
    }
}
