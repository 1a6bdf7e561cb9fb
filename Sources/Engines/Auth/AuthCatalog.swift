package import Barrier
package import Wire

/// Who a login says it is, before anything is proved. What lockouts count by.
package struct LoginClaim: Sendable, Equatable {
    /// The name of the alias that a success would have.
    package let alias: String
    /// Whether the method has such a user or role. The client never hears of it.
    package let isKnown: Bool
}

/// What the vault asks auth methods about, besides ``EngineCatalog/step(_:in:view:)``.
package enum AuthCatalog {
    /// Whether a path is for clients that have no token yet.
    ///
    /// - Parameter path: below the mount.
    package static func isOpen(_ path: String, in kind: EngineKind) -> Bool {
        switch kind {
        case .userpass: path.utf8.starts(with: "login/".utf8)
        case .approle, .jwt, .cert: path == "login"
        default: false
        }
    }

    /// Whether a login says for which role it is, so that a rate limit can be about one.
    package static func hasRoles(_ kind: EngineKind) -> Bool { kind == .approle }

    /// The role that a login is for; nil if it names none that there is.
    ///
    /// - Parameter fields: of the login's body.
    /// - Precondition: the method ``hasRoles(_:)``.
    package static func role(
        of fields: JSONObject,
        in mount: EngineMount,
        view: borrowing BarrierView
    ) throws(EngineError) -> String? {
        precondition(hasRoles(mount.kind), "a method without roles was asked for one")
        return try Approle(mount: mount).role(ofLogin: fields, view)
    }

    /// What is said by now about a token that a login at this mount was given.
    ///
    /// - Parameters:
    ///   - metadata: the token's, as the login granted it.
    ///   - request: of the renewal.
    package static func standing(
        of metadata: [LoginGrant.Metadata],
        for request: EngineRequest,
        in mount: EngineMount,
        view: borrowing BarrierView
    ) throws(EngineError) -> LoginStanding {
        func name(_ member: String) -> String {
            metadata.first { utf8Equals($0.name, member) }?.value ?? ""
        }
        return switch mount.kind {
        case .userpass:
            try Userpass(mount: mount).standing(of: name("username"), view)
        case .approle: try Approle(mount: mount).standing(of: name("role_name"), view)
        case .jwt: try JWTMethod(mount: mount).standing(of: name("role"), view)
        case .cert:
            try CertMethod(mount: mount).standing(
                of: metadata,
                showing: request.context.clientCertificates,
                at: request.now,
                view
            )
        default: .refused("this method gives no tokens")
        }
    }

    /// Who the client of a login says it is; nil for a request that names nobody, and for methods
    /// where guessing is hopeless and failures are not counted.
    package static func claim(
        _ request: EngineRequest,
        in mount: EngineMount,
        view: borrowing BarrierView
    ) throws(EngineError) -> LoginClaim? {
        switch mount.kind {
        case .userpass: try Userpass(mount: mount).claim(request, view)
        case .approle: try Approle(mount: mount).claim(request, view)
        default: nil
        }
    }
}
