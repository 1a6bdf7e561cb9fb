package import Barrier
import Engines
package import Store
import Wire

/// `sys/config/cors`: which web pages may use the API from a browser.
struct CrossOriginBackend {
    let call: VaultCall
    let authority: Authority

    func step(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .read: return .answer(try read(view))
        case .update: return try write(view)
        case .delete: return try remove(view)
        case .list, .scan, .patch, .help: throw .engine(.unsupportedOperation)
        }
    }

    private func read(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        var data: JSONObject = ["enabled": false]
        if let settings = try CrossOriginRecord.read(view)?.record {
            data = [
                "allow_credentials": .bool(settings.allowsCredentials),
                "allowed_headers": .array(settings.allHeaders.map { .string($0) }),
                "allowed_origins": .array(settings.origins.map { .string($0) }),
                "enabled": true,
            ]
        }
        let body = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: body, warnings: warnings), isInjected: true)
    }

    /// The caller's, where OpenBao says 500.
    private static func mistake(_ text: String) -> VaultError { .invalid(GoText.errors([text])) }

    /// OpenBao reads `enable` and takes any write as a wish to have it on; so do we.
    private func write(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        let origins = fields.texts("allowed_origins") ?? []
        let headers = fields.texts("allowed_headers") ?? []
        guard !origins.isEmpty else {
            throw Self.mistake("at least one origin or the wildcard must be provided")
        }
        guard origins == ["*"] || !origins.contains("*") else {
            throw Self.mistake(
                "to allow all origins the '*' must be the only value for allowed_origins"
            )
        }
        for list in [origins, headers] { try Self.check(list) }
        let record = CrossOriginRecord(
            origins: origins,
            headers: headers,
            allowsCredentials: fields.bool("allow_credentials") ?? false
        )
        let old = try CrossOriginRecord.read(view)
        guard old?.record != record else { return .answer(.empty) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.crossOrigin, old?.modificationIndex ?? 0)
        try draft.put(SystemPaths.crossOrigin, record.encoded())
        return .commit(try draft.finish(), .empty)
    }

    private func remove(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        guard let old = try CrossOriginRecord.read(view) else { return .answer(.empty) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.crossOrigin, old.modificationIndex)
        try draft.delete(SystemPaths.crossOrigin)
        return .commit(try draft.finish(), .empty)
    }

    /// What becomes part of a header must not be able to end one.
    private static func check(_ list: [String]) throws(VaultError) {
        guard list.count <= VaultLimits.corsEntriesMax else {
            throw .invalid("at most \(VaultLimits.corsEntriesMax) origins and headers are kept")
        }
        for text in list {
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C }
            guard isPlain, (1...VaultLimits.corsEntryBytesMax).contains(text.utf8.count) else {
                throw .invalid(
                    "an origin or header is 1 to \(VaultLimits.corsEntryBytesMax) printable "
                        + "characters without commas, not \(GoText.quoted(text))"
                )
            }
        }
    }

    private static let schema = FieldSchema([
        ("enable", .bool), ("allowed_origins", .texts), ("allowed_headers", .texts),
        ("allow_credentials", .bool),
    ])
}

/// What is known about the pages of other origins that may use the API.
package struct CrossOriginSettings: Sendable, Equatable {
    /// `*` alone allows all.
    package let origins: [String]
    /// Headers that a page may send.
    package let headers: [String]
    /// Whether a page may send what the browser keeps for this server.
    package let allowsCredentials: Bool

    package init(origins: [String], headers: [String], allowsCredentials: Bool) {
        self.origins = origins
        self.headers = headers
        self.allowsCredentials = allowsCredentials
    }

    /// As this view has it; nil while it is off.
    package static func load(
        _ keyring: Keyring,
        view: borrowing ReadView
    ) throws(VaultError) -> CrossOriginSettings? {
        let barrier = BarrierView(keyring, over: view)
        guard let record = try CrossOriginRecord.read(barrier)?.record else { return nil }
        return CrossOriginSettings(
            origins: record.origins,
            headers: record.allHeaders,
            allowsCredentials: record.allowsCredentials
        )
    }
}

/// The same at rest. Format 1: origins, own headers, credentials. It is there while it is on.
struct CrossOriginRecord: Sendable, Equatable {
    let origins: [String]
    /// Besides ``standardHeaders``.
    let headers: [String]
    let allowsCredentials: Bool

    var allHeaders: [String] { Self.standardHeaders + headers }

    static func read(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: CrossOriginRecord, modificationIndex: UInt64)? {
        guard let opened = try view.systemRecord(SystemPaths.crossOrigin) else { return nil }
        return (try CrossOriginRecord(decoding: opened.value), opened.modificationIndex)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeUInt8(1)
        writer.writeTexts(origins)
        writer.writeTexts(headers)
        writer.writeBool(allowsCredentials)
        return writer.bytes
    }

    /// What every client of the API may send.
    ///
    /// - Source: OpenBao 2.7.2's answers.
    static let standardHeaders = [
        "Content-Type", "Authorization", "X-Vault-Token", "X-Vault-MFA",
        "X-Vault-No-Request-Forwarding", "X-Vault-Wrap-Format", "X-Vault-Wrap-TTL",
        "X-Requested-With", "X-Vault-AWS-IAM-Server-ID", "X-Vault-Policy-Override",
    ]
}

extension CrossOriginRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "settings for other origins")
            origins = try reader.readTexts(
                countMax: VaultLimits.corsEntriesMax,
                bytesMax: VaultLimits.corsEntryBytesMax
            )
            headers = try reader.readTexts(
                countMax: VaultLimits.corsEntriesMax,
                bytesMax: VaultLimits.corsEntryBytesMax
            )
            allowsCredentials = try reader.readBool()
            try reader.finish()
        } catch {
            throw .damaged("settings for other origins: \(error.summary)")
        }
    }
}
