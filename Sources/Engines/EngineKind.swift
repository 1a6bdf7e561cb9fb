package import Barrier

/// Which engine or auth method serves a mount. The number is part of the mount's record, so it
/// never changes.
package enum EngineKind: UInt8, Sendable, Equatable, CaseIterable {
    case kvVersion1 = 1
    case kvVersion2 = 2
    case totp = 3
    /// Built in, so never in a mount's record.
    case cubbyhole = 4
    case userpass = 64
    case approle = 65
    case jwt = 66
    case cert = 67

    /// Whether clients log in here. Numbers from 64 on are auth methods.
    package var isAuthMethod: Bool { rawValue >= 64 }

    /// The auth method that people enable under this type; nil if there is none.
    package init?(authMethod type: String) {
        switch type {
        case "userpass": self = .userpass
        case "approle": self = .approle
        case "jwt": self = .jwt
        case "cert": self = .cert
        default: return nil
        }
    }
}

/// The one place that knows every engine: what a request to a mount leads to.
///
/// A new engine is a case of ``EngineKind``, a line in ``step(_:in:view:)``, and, where policies
/// tell creating from updating, a line in ``existence(of:in:view:)``. The type under which people
/// mount it stands in ``EngineKind/init(type:version:)``.
package enum EngineCatalog {
    /// One request to a mount.
    ///
    /// - Parameter view: opened at or after the read index of the request; it holds the mount's
    ///   keys.
    /// - Throws: ``EngineError``; nothing is written then.
    package static func step(
        _ request: EngineRequest,
        in mount: EngineMount,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        switch mount.kind {
        case .kvVersion1: try KVVersion1(mount: mount).step(request, view: view)
        case .kvVersion2: try KVVersion2(mount: mount).step(request, view: view)
        case .totp: try TOTPEngine(mount: mount).step(request, view: view)
        case .cubbyhole: try CubbyholeEngine(mount: mount).step(request, view: view)
        case .userpass: try Userpass(mount: mount).step(request, view: view)
        case .approle: try Approle(mount: mount).step(request, view: view)
        case .jwt: try JWTMethod(mount: mount).step(request, view: view)
        case .cert: try CertMethod(mount: mount).step(request, view: view)
        }
    }

    /// Looks whether the name behind a path is there. Reads no value.
    ///
    /// - Parameters:
    ///   - path: below the mount.
    ///   - tokenName: see ``EngineContext/tokenName``.
    /// - Returns: nil for paths at which policies do not tell creating from updating.
    package static func existence(
        of path: String,
        in mount: EngineMount,
        for tokenName: String,
        view: borrowing BarrierView
    ) throws(EngineError) -> Existence? {
        let record: String? =
            switch mount.kind {
            case .kvVersion1: KVVersion1.record(of: path)
            case .kvVersion2: KVVersion2.record(of: path)
            case .totp, .cert: nil
            case .cubbyhole: CubbyholePlace.record(of: path, tokenName: tokenName)
            case .userpass: Userpass.record(of: path)
            case .approle: Approle.record(of: path)
            case .jwt: JWTMethod.record(of: path)
            }
        guard let record else { return nil }
        do throws(BarrierError) {
            let index = try view.modificationIndex(mount.id, record)
            return Existence(path: record, modificationIndex: index)
        } catch {
            throw .barrier(error)
        }
    }
}

/// Whether what a write is about was there: a question of policies, which tell creating from
/// updating.
package struct Existence: Sendable, Equatable {
    /// The record that tells, relative to the mount.
    package let path: String
    /// When that was written; 0: it is not there.
    package let modificationIndex: UInt64

    /// What a look at the record gave.
    package init(path: String, modificationIndex: UInt64) {
        self.path = path
        self.modificationIndex = modificationIndex
    }

    /// Whether a write would be an update.
    package var isThere: Bool { modificationIndex > 0 }
}
