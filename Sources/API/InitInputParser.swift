import Wire

/// Reads and checks the body of `PUT sys/init`, in OpenBao's order and words.
enum InitInputParser {
    static func parse(_ body: [UInt8]) throws(RouteError) -> InitInput {
        let object = try Strict(body, "InitRequest")
        let shares = try object.int("secret_shares") ?? 0
        let threshold = try object.int("secret_threshold") ?? 0
        let pgpKeys = try object.texts("pgp_keys") ?? []
        try refuseRecovery(object)
        if let raw = object.value("groups") {
            guard shares == 0 && threshold == 0 else {
                throw invalid("give secret_shares and secret_threshold, or groups, not both")
            }
            return try groups(raw)
        }
        try checkFlat(shares: shares, threshold: threshold)
        if !pgpKeys.isEmpty {
            guard pgpKeys.count == shares else {
                throw invalid(
                    "count mismatch between number of provided PGP keys and number of shares"
                )
            }
            throw unsupported("pgp_keys")
        }
        if let key = try object.text("root_token_pgp_key"), !key.isEmpty {
            throw unsupported("root_token_pgp_key")
        }
        return InitInput.flat(threshold: threshold, shares: shares)
    }

    private static func refuseRecovery(_ object: Strict) throws(RouteError) {
        var given: [String] = []
        if try object.int("recovery_shares") ?? 0 != 0 { given.append("recovery_shares") }
        if try object.int("recovery_threshold") ?? 0 != 0 { given.append("recovery_threshold") }
        if try object.texts("recovery_pgp_keys") ?? [] != [] { given.append("recovery_pgp_keys") }
        guard given.isEmpty else {
            let names = given.joined(separator: ",")
            throw .refused(400, ["parameters \(names) not applicable to seal type shamir"])
        }
    }

    private static func checkFlat(shares: Int, threshold: Int) throws(RouteError) {
        let sharesMax = APILimits.groupSharesMax
        guard shares >= 1 else { throw invalid("shares must be at least one") }
        guard threshold >= 1 else { throw invalid("threshold must be at least one") }
        guard threshold <= shares else { throw invalid("threshold cannot be larger than shares") }
        guard threshold > 1 || shares == 1 else {
            throw invalid("threshold must be greater than one for multiple shares")
        }
        guard shares < 256 else { throw invalid("shares must be less than 256") }
        guard shares <= sharesMax else {
            throw invalid(
                "\(shares) shares in one set, the share format (SLIP-0039) has at most "
                    + "\(sharesMax); split them into groups, for example "
                    + "{\"groups\":{\"threshold\":2,\"groups\":[{\"threshold\":3,\"shares\":5},"
                    + "{\"threshold\":3,\"shares\":5}]}}"
            )
        }
    }

    /// `{"threshold":2,"groups":[{"threshold":3,"shares":5},…]}`: what Holdfast adds to OpenBao.
    private static func groups(_ raw: JSONValue) throws(RouteError) -> InitInput {
        guard case .object(let outer) = raw,
            let elements = outer["groups"]?.asArray, let threshold = outer["threshold"]?.asInt
        else { throw invalid("groups needs a threshold and a list of groups") }
        guard (1...APILimits.groupsMax).contains(elements.count) else {
            throw invalid("\(elements.count) groups, there can be 1 to \(APILimits.groupsMax)")
        }
        guard (1...elements.count).contains(threshold) else {
            throw invalid("the threshold of groups is \(threshold), of \(elements.count) groups")
        }
        var groups: [InitInput.Group] = []
        for element in elements {
            guard case .object(let group) = element,
                let shares = group["shares"]?.asInt, let threshold = group["threshold"]?.asInt
            else { throw invalid("every group needs shares and a threshold") }
            try checkFlat(shares: shares, threshold: threshold)
            groups.append(InitInput.Group(threshold: threshold, shares: shares))
        }
        return InitInput(groupThreshold: threshold, groups: groups)
    }

    private static func invalid(_ text: String) -> RouteError {
        .refused(400, ["invalid seal configuration: \(text)"])
    }

    private static func unsupported(_ name: String) -> RouteError {
        .refused(
            400,
            [
                "this version of Holdfast does not support \(name): it could only hand out "
                    + "the shares and the root token in the clear"
            ]
        )
    }
}

extension InitInput {
    /// One set of shares.
    ///
    /// - Precondition: 1…16 shares; the threshold is 2…shares, or 1 of 1.
    package static func flat(threshold: Int, shares: Int) -> InitInput {
        precondition((1...APILimits.groupSharesMax).contains(shares))
        precondition((1...shares).contains(threshold) && (threshold > 1 || shares == 1))
        let group = Group(threshold: threshold, shares: shares)
        return InitInput(groupThreshold: 1, groups: [group])
    }
}
