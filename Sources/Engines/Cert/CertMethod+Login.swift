import Barrier
import Wire

/// Logins and renewals.
extension CertMethod {
    /// A role that accepts the client, and what that rests on.
    struct Match {
        let name: String
        let role: CertRoleRecord
        let plan: BatchPlan
    }

    func login(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.loginSchema)
        let config = try config(view)
        let chain = try Self.presented(request.context.clientCertificates)
        let found = try match(chain, fields.text("name") ?? "", at: request.now, view)
        guard
            AddressBlock.allow(
                request.context.remoteAddress,
                in: found.role.parameters.boundCIDRs
            )
        else { throw .permissionDenied }
        var grant = try Self.grant(chain.leaf, found, config.record)
        grant.warnings = fields.warnings
        var plan = found.plan
        plan.check(Self.configPath, config.modificationIndex)
        return .login(grant, plan)
    }

    /// What a role says about a token that was given before.
    ///
    /// - Parameters:
    ///   - metadata: the token's.
    ///   - certificates: what the client shows now, DER.
    func standing(
        of metadata: [LoginGrant.Metadata],
        showing certificates: [[UInt8]],
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> LoginStanding {
        func member(_ name: String) -> String {
            metadata.first { utf8Equals($0.name, name) }?.value ?? ""
        }
        let name = member("cert_name")
        let config = try config(view)
        guard let found = try role(name, view) else { return .gone }
        var plan = BatchPlan()
        plan.check(Self.configPath, config.modificationIndex)
        guard !config.record.isUnbound else {
            plan.check(Self.rolePath(name), found.modificationIndex)
            return .current(found.record.parameters, plan, bindsPolicies: true)
        }
        do throws(EngineError) {
            let chain = try Self.presented(certificates)
            // Only the certificate that logged in renews what it was given.
            let keyID = ClientCertificate.colons(chain.leaf.subjectKeyID)
            let authorityID = ClientCertificate.colons(chain.leaf.authorityKeyID)
            plan.append(try match(chain, name, at: now, view).plan)
            let serial = ClientCertificate.decimal(chain.leaf.serial)
            guard utf8Equals(keyID, member("subject_key_id")),
                utf8Equals(authorityID, member("authority_key_id")),
                utf8Equals(serial, member("serial_number"))
            else {
                return .refused(
                    "client identity during renewal not matching client identity used during login"
                )
            }
        } catch {
            guard error.blame == .caller else { throw error }
            return .refusedAsLogin(error.summary)
        }
        return .current(found.record.parameters, plan, bindsPolicies: true)
    }

    private static func presented(
        _ certificates: [[UInt8]]
    ) throws(EngineError) -> PresentedChain {
        guard !certificates.isEmpty else { throw .invalid("no client certificate found") }
        do throws(CertRefusal) {
            return try PresentedChain(certificates)
        } catch {
            throw .badCredentials(error.text)
        }
    }

    /// The first role, in the order of their names, that accepts a client. Roles for single clients
    /// come before those that trust an authority.
    ///
    /// - Parameter name: the only role that counts; empty: any.
    private func match(
        _ chain: PresentedChain,
        _ name: String,
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> Match {
        var refusal = CertRefusal.unknown
        let revocations = try revocations(view)
        for candidate in try candidates(name, view) {
            let rules = CertRules(role: candidate.role)
            for anchor in candidate.anchors {
                let path: [ClientCertificate]
                do throws(CertRefusal) {
                    guard let found = try chain.chain(to: anchor, at: now) else { continue }
                    path = found
                    guard path.allSatisfy(\.isForClients) else {
                        throw .purpose
                    }
                } catch {
                    refusal = refusal == .unmatched ? refusal : error
                    continue
                }
                refusal = .unmatched
                guard rules.accept(chain.leaf), try !isRevoked(path, revocations.names, view)
                else { continue }
                var plan = revocations.plan
                plan.check(Self.rolePath(candidate.name), candidate.modificationIndex)
                return Match(name: candidate.name, role: candidate.role, plan: plan)
            }
        }
        throw .badCredentials(refusal.text)
    }

    /// A role that may accept a client.
    private struct Candidate {
        let name: String
        let role: CertRoleRecord
        let modificationIndex: UInt64
        /// What it trusts.
        let anchors: [ClientCertificate]
        /// Whether it is for one client, whose certificate need not say what it is for.
        let isPinned: Bool
    }

    private func candidates(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [Candidate] {
        var candidates: [Candidate] = []
        for name in try roleNames(name, view) {
            guard let found = try role(name, view) else { continue }
            let anchors = try found.record.anchors()
            let isPinned = !anchors[0].isAuthority
            candidates.append(
                Candidate(
                    name: name,
                    role: found.record,
                    modificationIndex: found.modificationIndex,
                    anchors: isPinned ? [anchors[0]] : anchors,
                    isPinned: isPinned
                )
            )
        }
        return candidates.filter(\.isPinned) + candidates.filter { !$0.isPinned }
    }

    private func roleNames(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        guard name.isEmpty else { return AuthName.stored(name).map { [$0] } ?? [] }
        let limit = EngineLimits.certificateRolesSearchedMax
        let names = try folder("cert/", limit: limit + 1, view)
        guard names.count <= limit else {
            throw .invalid(
                "this mount has more than \(limit) roles: say with name= which of them is meant"
            )
        }
        return names
    }

    private static func grant(
        _ leaf: ClientCertificate,
        _ match: Match,
        _ config: CertConfigRecord
    ) throws(EngineError) -> LoginGrant {
        guard (1...EngineLimits.commonNameBytesMax).contains(leaf.commonName.utf8.count) else {
            throw .badCredentials(
                "the common name of the client's certificate has \(leaf.commonName.utf8.count) "
                    + "bytes; it names who logs in, and has 1 to \(EngineLimits.commonNameBytesMax)"
            )
        }
        var metadata: [LoginGrant.Metadata]
        do throws(CertRefusal) {
            metadata = try CertRules(role: match.role).metadata(leaf)
        } catch {
            throw .badCredentials(error.text)
        }
        for (name, value) in [
            ("authority_key_id", ClientCertificate.colons(leaf.authorityKeyID)),
            ("cert_name", match.name), ("common_name", leaf.commonName),
            ("serial_number", ClientCertificate.decimal(leaf.serial)),
            ("subject_key_id", ClientCertificate.colons(leaf.subjectKeyID)),
        ] {
            metadata.append(LoginGrant.Metadata(name: name, value: value))
        }
        var grant = LoginGrant(alias: leaf.commonName, parameters: match.role.parameters)
        grant.displayName = match.role.displayName
        grant.metadata = metadata.sorted { utf8Precedes($0.name, $1.name) }
        if config.givesAliasMetadata { grant.aliasMetadata = grant.metadata }
        return grant
    }

    private static let loginSchema = FieldSchema([("name", .text)])
}
