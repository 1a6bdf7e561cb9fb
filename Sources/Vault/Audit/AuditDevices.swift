package import Audit
import Barrier
import Cryptography
import Engines
import Wire

/// `sys/audit…` and `sys/audit-hash/…`: the devices besides the nodes' own logs.
struct AuditDevices {
    let call: VaultCall
    let authority: Authority

    /// - Parameter path: below `sys/`.
    /// - Returns: nil for a path that is none of these.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        let operation = call.request.operation
        if path == "audit" {
            guard operation == .read else { throw .engine(.unsupportedPath) }
            return .answer(try list(view))
        }
        if let name = path.below("audit-hash/"), !name.isEmpty {
            guard operation == .update else { throw .engine(.unsupportedOperation) }
            return .answer(try hash(for: name.withSlash, view))
        }
        guard let name = path.below("audit/"), !name.isEmpty else { return nil }
        switch operation {
        case .update: return try enable(name.withSlash, view)
        case .delete: return try disable(name.withSlash, view)
        default: throw .engine(.unsupportedOperation)
        }
    }

    private func list(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let table = try view.auditDevices()
        let members = table.devices.map { ($0.path, JSONValue.object($0.shown)) }
        let data = JSONValue.object(JSONObject(members)).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: data), isInjected: true)
    }

    private func enable(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        guard path.utf8.count <= VaultLimits.mountPathBytesMax, MountPath.isClean(path) else {
            throw .invalid("\(GoText.quoted(path)) is no path with single slashes")
        }
        var table = try view.auditDevices()
        let isTaken = table.devices.contains { device in
            device.path.utf8.starts(with: path.utf8) || path.utf8.starts(with: device.path.utf8)
        }
        if isTaken { throw .invalid("path already in use") }
        guard table.devices.count < VaultLimits.auditDevicesMax else {
            throw .invalid("there are \(table.devices.count) audit devices, which is the limit")
        }
        let environment = call.environment
        var entropy = Entropy(seed: environment.seed, attempt: environment.attempt)
        let device = try AuditDevice(
            path: path,
            type: fields.text("type") ?? "",
            options: try Self.options(fields.map("options") ?? JSONObject()),
            description: try MountText.description(fields.text("description") ?? ""),
            isLocal: fields.bool("local") ?? false,
            salt: entropy.bytes(AuditDevice.saltBytes)
        )
        call.trace?.note(newDevice: device)
        table.devices.append(device)
        return try commit(table, view)
    }

    /// Sorted by name.
    private static func options(_ raw: JSONObject) throws(VaultError) -> [MountRecord.Option] {
        let options = raw.sorted().members.map { member in
            MountRecord.Option(name: member.name, value: member.value.asString ?? "")
        }
        let bytesMax = VaultLimits.auditOptionBytesMax
        guard options.count <= VaultLimits.mountOptionsMax,
            options.allSatisfy({ $0.name.utf8.count <= bytesMax && $0.value.utf8.count <= bytesMax }
            )
        else {
            throw .invalid(
                "options takes at most \(VaultLimits.mountOptionsMax) texts of \(bytesMax) bytes"
            )
        }
        return options
    }

    private func disable(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        var table = try view.auditDevices()
        guard table.device(at: path) != nil else { return .answer(.empty) }
        table.devices.removeAll { utf8Equals($0.path, path) }
        return try commit(table, view)
    }

    private func commit(
        _ table: AuditDeviceTable,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.auditDevices, table.modificationIndex)
        try draft.put(SystemPaths.auditDevices, table.encoded())
        return .commit(try draft.finish(), .empty)
    }

    private func hash(
        for path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(
            call.request.fields,
            FieldSchema([("input", .text)], captured: ["path"])
        )
        guard let input = fields.text("input"), !input.isEmpty else {
            throw .invalid("the \"input\" parameter is empty")
        }
        guard let device = try view.auditDevices().device(at: path) else {
            throw .invalid("unknown audit backend \(GoText.quoted(path))")
        }
        let data: JSONValue = ["hash": .string(device.hash.text(input))]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings),
            isInjected: true
        )
    }

    private static let schema = FieldSchema(
        [
            ("type", .text), ("description", .text), ("options", .pairs), ("local", .bool),
        ],
        captured: ["path"]
    )
}

extension AuditDevice {
    /// What replaces secrets in its lines.
    package var hash: ValueHash { ValueHash(key: HMACKey(SecretBytes(copying: salt.span))) }
}

extension BarrierView {
    /// The audit devices, none where there never was one.
    borrowing func auditDevices() throws(VaultError) -> AuditDeviceTable {
        guard let opened = try systemRecord(SystemPaths.auditDevices) else {
            return AuditDeviceTable()
        }
        var table = try AuditDeviceTable(decoding: opened.value)
        table.modificationIndex = opened.modificationIndex
        return table
    }
}
