import Wire

/// A user at rest, under `users/<name>`.
///
/// Format 1: which old names of parameters reads show as well, the token parameters, the password.
struct UserRecord: Sendable, Equatable {
    var echo = OldTokenNames()
    var parameters = TokenParameters()
    var password: PasswordHash

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 192)
        writer.writeUInt8(1)
        writer.writeUInt8(echo.rawValue)
        parameters.write(to: &writer)
        password.write(to: &writer)
        return writer.bytes
    }

    init(password: PasswordHash) { self.password = password }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a user")
            guard let echo = OldTokenNames(stored: try reader.readUInt8()) else {
                throw .malformed("old names that this version does not have")
            }
            self.echo = echo
            parameters = try TokenParameters(reading: &reader)
            password = try PasswordHash(reading: &reader)
            try reader.finish()
        } catch {
            throw .damaged("user: \(error.summary)")
        }
    }
}
