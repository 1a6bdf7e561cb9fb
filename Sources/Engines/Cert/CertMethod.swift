import Barrier
import Wire

/// The auth method `cert`: clients show a certificate in their TLS handshake.
///
/// Contract: a role trusts certificates (authorities, or single clients') and says what else a
/// client's certificate has to be like. The listener has seen that the client has the key; who made
/// the certificate is judged here, by the roles and the time of the request alone. A login answers
/// with a ``LoginGrant``; its batch checks that role, configuration and revocations are the same.
struct CertMethod {
    let mount: EngineMount

    private enum Endpoint {
        case config
        case roles
        case role(String)
        case lists
        case list(String)
        case login

        init?(_ path: String) {
            let parts = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
            switch (parts[0], parts.count) {
            case ("config", 1): self = .config
            case ("login", 1): self = .login
            case ("certs", 1): self = .roles
            case ("certs", 2) where parts[1].isEmpty: self = .roles
            case ("crls", 1): self = .lists
            case ("crls", 2) where parts[1].isEmpty: self = .lists
            case ("certs", 2):
                guard let name = AuthName.stored(parts[1]) else { return nil }
                self = .role(name)
            case ("crls", 2):
                guard let name = AuthName.stored(parts[1]) else { return nil }
                self = .list(name)
            default: return nil
            }
        }
    }

    static let configPath = "config"

    static func rolePath(_ name: String) -> String { "cert/" + name }

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let endpoint = Endpoint(request.path) else { throw .unsupportedPath }
        switch (endpoint, request.operation) {
        case (.config, .read): return try readConfig(request, view)
        case (.config, .update): return try writeConfig(request, view)
        case (.roles, .list):
            return try EngineRecords.listing("cert/", request, mount.id, view)
        case (.role(let name), .read): return try readRole(name, request, view)
        case (.role(let name), .update): return try writeRole(name, request, view)
        case (.role(let name), .delete): return try deleteRole(name, view)
        case (.lists, .list):
            return try EngineRecords.listing(Self.listFolder, request, mount.id, view)
        case (.list(let name), .read): return try readList(name, request, view)
        case (.list(let name), .update): return try writeList(name, request, view)
        case (.list(let name), .delete): return try deleteList(name, view)
        case (.login, .update): return try login(request, view)
        default: throw .unsupportedOperation
        }
    }

    // MARK: records

    func config(
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: CertConfigRecord, modificationIndex: UInt64) {
        try EngineRecords.record(Self.configPath, mount.id, view, CertConfigRecord.init(decoding:))
            ?? (CertConfigRecord(), 0)
    }

    func role(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: CertRoleRecord, modificationIndex: UInt64)? {
        try EngineRecords.record(
            Self.rolePath(name),
            mount.id,
            view,
            CertRoleRecord.init(decoding:)
        )
    }

    private func deleteRole(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let found = try role(name, view) else { return .answer(.empty) }
        return EngineRecords.removal(of: Self.rolePath(name), at: found.modificationIndex)
    }
}
