package import Barrier
import Engines
package import Store
import Wire

/// `sys/config/auditing/request-headers…`: which headers of requests are on the record.
struct AuditHeadersBackend {
    let call: VaultCall
    let authority: Authority

    /// - Parameter below: behind the word `request-headers`: nothing, or a slash and a name.
    func step(_ below: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let table = try view.auditHeaders()
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        guard !below.isEmpty else {
            let all = table.headers.map { ($0.name, $0.shown) }
            let data: JSONObject = ["headers": .object(JSONObject(all))]
            return .answer(answer(data, fields))
        }
        let name = below.below("/") ?? ""
        switch call.request.operation {
        case .read:
            guard let header = table.header(name) else {
                throw .invalid("Could not find header in config")
            }
            return .answer(answer(JSONObject([(name, header.shown)]), fields))
        case .update: return try write(name, fields.bool("hmac") ?? false, table, view)
        case .delete: return try remove(name, table, view)
        default: throw .engine(.unsupportedOperation)
        }
    }

    private func answer(_ data: JSONObject, _ fields: Fields) -> VaultAnswer {
        let body = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: body, warnings: fields.warnings), isInjected: true)
    }

    private func write(
        _ name: String,
        _ isHashed: Bool,
        _ table: AuditHeaderTable,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let header = AuditedHeader(name, isHashed: isHashed) else {
            throw .invalid(
                "\(GoText.quoted(name)) is no name of a header, which is 1 to "
                    + "\(VaultLimits.auditHeaderBytesMax) letters, digits and signs like -"
            )
        }
        guard isHashed || !header.isCredential else {
            throw .invalid(
                "\(header.name) carries a credential: it is recorded with hmac=true or not at all"
            )
        }
        guard table.header(name) != header else { return .answer(.empty) }
        var table = table
        table.headers.removeAll { utf8Equals($0.name, header.name) }
        guard table.headers.count < VaultLimits.auditHeadersMax else {
            throw .invalid("\(table.headers.count) headers are recorded, which is the limit")
        }
        table.headers.append(header)
        return try commit(table, view)
    }

    private func remove(
        _ name: String,
        _ table: AuditHeaderTable,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let header = table.header(name) else { return .answer(.empty) }
        var table = table
        table.headers.removeAll { $0 == header }
        return try commit(table, view)
    }

    private func commit(
        _ table: AuditHeaderTable,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.auditHeaders, table.modificationIndex)
        try draft.put(SystemPaths.auditHeaders, table.encoded())
        return .commit(try draft.finish(), .empty)
    }

    private static let schema = FieldSchema([("hmac", .bool)], captured: ["header"])
}

/// A header that audit records have where a request has it.
package struct AuditedHeader: Sendable, Equatable {
    /// In lower case, as records have it.
    package let name: String
    /// Whether records have digests of its values in their place.
    package let isHashed: Bool

    /// - Parameter name: in any case.
    /// - Returns: nil for what no header is called.
    init?(_ name: String, isHashed: Bool) {
        guard (1...VaultLimits.auditHeaderBytesMax).contains(name.utf8.count),
            name.utf8.allSatisfy(Self.isTokenByte)
        else { return nil }
        self.name = name.lowercased()
        self.isHashed = isHashed
    }

    /// Whether its values let somebody in. No log has them as they are.
    var isCredential: Bool {
        Self.credentials.contains { utf8Equals($0, name) }
            || name.utf8.starts(with: "x-vault-inline-auth-".utf8)
    }

    var shown: JSONValue { ["hmac": .bool(isHashed)] }

    private static let credentials = [
        "x-vault-token", "authorization", "proxy-authorization", "cookie", "x-holdfast-local",
        "x-vault-mfa",
    ]

    /// Source: RFC 9110 section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// All headers that records have: one record of the system mount.
///
/// Format 1: count varint, then of each the name and whether it is hashed.
package struct AuditHeaderTable: Sendable, Equatable {
    /// In the order in which they were last changed.
    package internal(set) var headers: [AuditedHeader] = []
    /// When it was written; 0 if there never was a header.
    package internal(set) var modificationIndex: UInt64 = 0

    init() {}

    /// - Parameter name: in any case.
    func header(_ name: String) -> AuditedHeader? {
        let name = name.lowercased()
        return headers.first { utf8Equals($0.name, name) }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 32 * headers.count + 16)
        writer.writeUInt8(1)
        writer.writeVarint(UInt64(headers.count))
        for header in headers {
            writer.writeString(header.name)
            writer.writeBool(header.isHashed)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "headers in audit records")
            let count = try reader.readVarint()
            guard count <= UInt64(VaultLimits.auditHeadersMax) else {
                throw .malformed("\(count) of them")
            }
            for _ in 0..<count {
                let name = try reader.readString(atMost: VaultLimits.auditHeaderBytesMax)
                let isHashed = try reader.readBool()
                guard let header = AuditedHeader(name, isHashed: isHashed),
                    isHashed || !header.isCredential
                else { throw .malformed("a header that no record may have") }
                headers.append(header)
            }
            try reader.finish()
        } catch {
            throw .damaged("headers in audit records: \(error.summary)")
        }
    }
}

extension BarrierView {
    /// Headers that records have, none where there never was one.
    borrowing func auditHeaders() throws(VaultError) -> AuditHeaderTable {
        guard let opened = try systemRecord(SystemPaths.auditHeaders) else {
            return AuditHeaderTable()
        }
        var table = try AuditHeaderTable(decoding: opened.value)
        table.modificationIndex = opened.modificationIndex
        return table
    }
}

/// What a node asks for with each record that it writes, as one view shows it.
package struct AuditSettings: Sendable {
    /// Where records go besides the node's own log.
    package let devices: AuditDeviceTable
    /// What they have of the headers of requests.
    package let headers: AuditHeaderTable

    /// Reads what changed.
    ///
    /// - Parameter known: what was read before, from the same vault.
    /// - Throws: ``VaultError/damaged(_:)``, `barrier`.
    package static func load(
        _ keyring: Keyring,
        _ view: borrowing ReadView,
        known: AuditSettings?
    ) throws(VaultError) -> AuditSettings {
        let barrier = BarrierView(keyring, over: view)
        let devicesAt = try barrier.systemIndex(SystemPaths.auditDevices)
        let headersAt = try barrier.systemIndex(SystemPaths.auditHeaders)
        var devices = known?.devices
        if devices?.modificationIndex != devicesAt { devices = try barrier.auditDevices() }
        var headers = known?.headers
        if headers?.modificationIndex != headersAt { headers = try barrier.auditHeaders() }
        return AuditSettings(
            devices: devices ?? AuditDeviceTable(),
            headers: headers ?? AuditHeaderTable()
        )
    }
}
