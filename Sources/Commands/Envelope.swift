import Wire

/// The answer of a path that is not one of the server's own: data, lease, token, warnings.
struct Envelope {
    /// The document as it came, without members that old clients get twice.
    let document: JSONObject

    private static let memberNames = [
        "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings",
        "auth",
    ]

    init(_ answer: JSONObject) {
        guard answer["request_id"] != nil else {
            document = answer
            return
        }
        var document = JSONObject()
        for name in Self.memberNames { document[name] = answer[name] }
        self.document = document
    }

    var data: JSONObject? { document["data"]?.asObject }

    var keys: [String]? { data?["keys"]?.asArray?.compactMap(\.asString) }

    var warnings: [String] { document["warnings"]?.asArray?.compactMap(\.asString) ?? [] }

    /// A field of the data, or of the token that a login gave.
    func field(_ name: String) -> JSONValue? { data?[name] ?? tokenFields?[name] }

    /// A token's fields under the names that people know from other clients.
    var tokenFields: JSONObject? {
        guard let auth = document["auth"]?.asObject else { return nil }
        var fields = JSONObject()
        let names = [
            ("token", "client_token"), ("token_accessor", "accessor"),
            ("token_duration", "lease_duration"), ("token_renewable", "renewable"),
            ("token_policies", "token_policies"), ("identity_policies", "identity_policies"),
            ("policies", "policies"),
        ]
        for (shown, name) in names where auth[name] != nil { fields[shown] = auth[name] }
        fields["token_duration"] = Self.duration(auth["lease_duration"])
        return fields
    }

    /// All fields as a table for people, or nil if there are none.
    var table: Table? {
        var fields = tokenFields ?? data ?? JSONObject()
        guard !fields.isEmpty else { return nil }
        if let lease = document["lease_id"]?.asString, !lease.isEmpty {
            fields["lease_id"] = .string(lease)
            fields["lease_duration"] = Self.duration(document["lease_duration"])
            fields["lease_renewable"] = document["renewable"]
        } else if let seconds = document["lease_duration"]?.asInt, seconds > 0, data != nil {
            fields["refresh_interval"] = Self.duration(document["lease_duration"])
        }
        return ResultText.table(fields)
    }

    private static func duration(_ seconds: JSONValue?) -> JSONValue {
        let (nanoseconds, isTooLarge) = Int64(seconds?.asInt ?? 0)
            .multipliedReportingOverflow(by: 1_000_000_000)
        guard !isTooLarge else { return seconds ?? nil }
        return .string(GoDuration.format(nanoseconds: nanoseconds))
    }
}

extension Session {
    /// Prints an answer in the chosen format, or one field of it.
    ///
    /// - Parameter silence: what is printed for people if the answer holds nothing.
    func show(
        _ answer: JSONObject?,
        _ format: OutputFormat,
        field: String? = nil,
        silence: String
    ) throws {
        let envelope = answer.map(Envelope.init)
        for warning in envelope?.warnings ?? [] { terminal.say("warning: \(warning)") }
        if let field {
            guard let value = envelope?.field(field) else { throw CommandFailure.noField(field) }
            return printField(value)
        }
        switch format {
        case .json: printJSON(.object(envelope?.document ?? JSONObject()))
        case .table: printText(envelope?.table?.text() ?? silence)
        }
    }
}

extension CommandFailure {
    static func noField(_ name: String) -> CommandFailure {
        CommandFailure(
            .refused,
            "field \"\(name)\" is not in the answer",
            "see all fields: repeat the command without -field"
        )
    }

    /// - Parameters:
    ///   - path: the API's path that has nothing.
    ///   - typed: the path as it was typed, whose folder can be listed.
    ///   - list: the command that lists it.
    static func nothing(at path: String, typed: String, list: String) -> CommandFailure {
        let folder = APIPath.clean(typed).split(separator: "/").dropLast().joined(separator: "/")
        return CommandFailure(
            .server,
            "no value found at \(path)",
            folder.isEmpty ? "holdfast read sys/mounts" : "holdfast \(list) \(folder)"
        )
    }
}
