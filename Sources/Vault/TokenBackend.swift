import Engines
import Wire

/// `auth/token/…`: what a token may ask about itself. Making, renewing and revoking tokens comes
/// with the policy engine.
struct TokenBackend {
    let call: VaultCall
    let authority: Authority

    func step(_ path: String) throws(VaultError) -> VaultStep {
        guard path == "lookup-self" else { throw .engine(.unsupportedPath) }
        switch call.request.operation {
        case .read, .update:
            return .answer(try lookupSelf())
        case .delete, .patch, .help, .list, .scan:
            throw .engine(.unsupportedOperation)
        }
    }

    private func lookupSelf() throws(VaultError) -> VaultAnswer {
        let warnings = try SystemFields.parse(call.request.fields, Self.noFields).warnings
        let record = authority.record
        var writer = JSONWriter(capacity: 384)
        writer.beginObject()
        writer.name("accessor")
        writer.string(record.accessor)
        writer.name("creation_time")
        writer.uint(record.created.nanoseconds / 1_000_000_000)
        writer.name("creation_ttl")
        writer.uint(record.lifetimeSeconds)
        writer.name("display_name")
        writer.string(record.displayName)
        writer.name("entity_id")
        writer.string(record.entityID)
        writer.name("expire_time")
        if let expiration = record.expiration {
            writer.string(expiration.rfc3339)
        } else {
            writer.null()
        }
        writer.name("explicit_max_ttl")
        writer.uint(record.lifetimeSecondsMax)
        let added = authority.access.identity?.policies ?? []
        if !added.isEmpty {
            writer.name("external_namespace_policies")
            writer.beginObject()
            writer.endObject()
        }
        writer.name("id")
        writer.string(String(decoding: authority.token, as: UTF8.self))
        if !added.isEmpty {
            writer.name("identity_policies")
            writer.write(.array(added.map { .string($0) }))
        }
        writer.name("meta")
        writer.null()
        writer.name("num_uses")
        writer.uint(record.usesLeft)
        writer.name("orphan")
        writer.bool(record.isOrphan)
        writer.name("path")
        writer.string(record.path)
        writer.name("policies")
        writer.write(.array(record.policies.map { .string($0) }))
        writer.name("ttl")
        let rest = (record.expiration?.nanoseconds ?? 0).subtractingReportingOverflow(
            call.environment.now.nanoseconds
        )
        writer.uint(rest.overflow ? 0 : rest.partialValue / 1_000_000_000)
        writer.name("type")
        writer.string("service")
        writer.endObject()
        return VaultAnswer(EngineAnswer(data: writer.bytes, warnings: warnings))
    }

    private static let noFields = FieldSchema([])
}

/// Parameters of the vault's own endpoints.
enum SystemFields {
    static func parse(_ raw: JSONObject, _ schema: FieldSchema) throws(VaultError) -> Fields {
        do throws(EngineError) {
            return try Fields(raw, schema)
        } catch {
            throw .engine(error)
        }
    }
}
