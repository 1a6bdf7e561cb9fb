import Engines
import Policy
import Wire

/// What a rule says about the answer to a list: how many names it may hold, and which.
struct ListRestriction {
    private let access: TokenAccess
    private let path: String
    /// Most names in one answer; nil: any number.
    private let limit: Int?
    private let filter: KeysFilter?

    /// Nothing is restricted unless the request is a list that a rule decided about.
    init(_ request: borrowing VaultRequest, _ authority: Authority) {
        access = authority.access
        path = request.path
        let isListing = request.operation == .list || request.operation == .scan
        if isListing, let decision = authority.decision, let rule = decision.rule {
            limit = decision.pageLimit
            filter = access.list?.rules[rule].keysFilter
        } else {
            limit = nil
            filter = nil
        }
    }

    /// The request with the page that the rule allows, where it asks for everything.
    func bounded(_ request: VaultRequest) -> VaultRequest {
        guard let limit else { return request }
        var fields = request.fields
        switch fields["limit"] {
        case nil, .string("max"), .string("0"), .string("-0"):
            fields["limit"] = .string(String(limit))
        default: break
        }
        return request.with(fields)
    }

    /// The answer without the names that the rule does not show.
    ///
    /// - Throws: ``VaultError/denied`` for an answer that is no plain list: what cannot be filtered
    ///   is not shown.
    func apply(to step: VaultStep) throws(VaultError) -> VaultStep {
        guard limit != nil || filter != nil, case .answer(let answer) = step,
            let bytes = answer.body.data
        else { return step }
        guard let data = try? JSONScanner.parse(bytes, limits: .trusted).asObject else {
            throw .denied
        }
        // What a recursive list answers where there is nothing.
        if data.isEmpty { return step }
        guard let keys = data["keys"]?.asArray?.compactMap(\.asString) else { throw .denied }
        let shown = Array(keys.filter(isShown).prefix(limit ?? .max))
        var writer = JSONWriter(capacity: bytes.count)
        writer.beginObject()
        for (name, value) in data.members {
            writer.name(name)
            switch (name, value) {
            case ("key_info", .object(let details)): writer.raw(Self.kept(details, shown))
            // The old list of policies has all names twice.
            case ("keys", _), ("policies", _):
                writer.write(.array(shown.map { .string($0) }))
            default: throw .denied
            }
        }
        writer.endObject()
        var body = answer.body
        body.data = writer.bytes
        return .answer(VaultAnswer(body, isInjected: answer.isInjected))
    }

    /// The details of these names, in their order.
    private static func kept(_ details: JSONObject, _ keys: [String]) -> [UInt8] {
        let names = Set(keys.map { Array($0.utf8) })
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in details.members where names.contains(Array(name.utf8)) {
            writer.name(name)
            writer.write(value)
        }
        writer.endObject()
        return writer.bytes
    }

    private func isShown(_ key: String) -> Bool {
        guard let filter else { return true }
        guard let list = access.list else { return false }
        let isFolder = key.utf8.last == 0x2F
        let target = filter.expanded(path: path, key: key)
        var request = AccessRequest(isFolder ? .list : .read, target)
        request.needsSudo = SudoPaths.contains(target)
        return list.decide(request).isAllowed
    }
}
