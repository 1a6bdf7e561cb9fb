import TestSupport

/// Makes policies and requests that meet: few names, few values, and rules with the same few paths.
struct RandomPolicies {
    private var random: Seeded
    /// Paths that the rules of one list choose from.
    private var paths: [[PlainPiece]] = []

    init(seed: UInt64) { random = Seeded(seed) }

    private static let words = ["a", "b", "ab", "x+y"]
    private static let variables = [
        "identity.entity.name", "identity.entity.id", "identity.entity.metadata.team",
        "identity.entity.metadata.deep", "identity.entity.metadata.star",
        "identity.entity.metadata.plus", "identity.entity.metadata.absent",
        "identity.entity.metadata.empty",
        "identity.entity.aliases.auth_1.name", "identity.entity.aliases.auth_1.metadata.role",
        "identity.entity.aliases.auth_2.name", "identity.groups.ids.g1.name",
        "identity.groups.names.ops.id", "identity.groups.names.ops.metadata.floor",
        "identity.groups.names.dev.ops.metadata.floor", "identity.groups.names.other.name",
        "identity.other", "identity.entity.groups.names", "time.now", "time.now.minus.1h",
    ]
    private static let filters = [
        "{{ .path }}{{ .key }}", "{{ .key }}", "a/{{ .key }}", "{{ .key }}/{{ .key }}", "ab",
        "b/{{ .path }}",
    ]
    private static let one = PlainValue.number(1, spelling: "1")
    private static let patterns: [PlainValue] = [
        .text("x"), .text("xy"), .text("x*"), .text("*x"), .text("*x*"), .text("**"), .text("y"),
        .text("*"), .list([.number(1, spelling: "1.0"), .text("x")]), .text("1"), one,
        .number(1, spelling: "1.0"), .number(-2, spelling: "-2"), .flag(true),
        .list([.text("x"), one]), .list([.text("x*")]), .list([]),
    ]
    private static let values: [PlainValue] = [
        .text("x"), .text("xy"), .text("yx"), .text("yxy"), .text("y"), .text(""), .text("x*"),
        .text("*"),
        .text("1"), one, .number(1, spelling: "1.00"), .number(-2, spelling: "-2"),
        .number(3, spelling: "3"), .flag(true), .flag(false), .null, .list([.text("x"), one]),
        .list([one, .text("x")]), .list([.text("x*")]), .list([.text("xy")]), .list([]),
    ]
    private static let limits: [PlainValue] = [
        .text("max"), .text("0"), .text("2"), .text("9"), .text("-1"), .text("x"),
        .number(2, spelling: "2"), .number(4, spelling: "4"), .number(-1, spelling: "-1"), .null,
    ]

    // MARK: Policies

    /// The policies of one token.
    mutating func policies() -> [PlainPolicy] {
        let first = path()
        paths = [first, wider(first), path()]
        return (0..<(1 + random.below(4))).map { _ in
            let blocks = (0..<(1 + random.below(3))).map { _ in block() }
            return PlainPolicy(
                blocks: blocks,
                isJSON: random.chance(1, of: 3),
                allowsWildcards: random.chance(1, of: 2),
                allowsSlashes: random.chance(1, of: 2)
            )
        }
    }

    private mutating func path() -> [PlainPiece] {
        var pieces: [PlainPiece] = []
        let count = 1 + random.below(3)
        var isWild = false
        for number in 0..<count {
            if number > 0 { pieces.append(.text("/")) }
            let form = random.below(12)
            isWild = form < 2
            if isWild { pieces.append(.text("+")) }
            if form > 4 { pieces.append(.text(random.pick(Self.words))) }
            if (2...5).contains(form) { pieces.append(.variable(random.pick(Self.variables))) }
        }
        if !isWild, random.chance(2, of: 5) { pieces.append(.text("*")) }
        return pieces
    }

    /// A path that also matches what this one does: the last segment, or all from a slash on, given
    /// up for a wildcard.
    private mutating func wider(_ path: [PlainPiece]) -> [PlainPiece] {
        let slashes = path.indices.filter { if case .text("/") = path[$0] { true } else { false } }
        guard let last = slashes.last else { return [.text("*")] }
        if random.chance(1, of: 2) { return path[...last] + [.text("+")] }
        return path[...random.pick(slashes)] + [.text("*")]
    }

    private mutating func block() -> PlainBlock {
        var block = PlainBlock(path: random.pick(paths))
        if random.chance(1, of: 8) {
            block.oldPolicy = random.pick(["read", "write", "write", "sudo"])
        } else {
            let usual = ["create", "read", "update", "patch", "list", "scan", "delete", "sudo"]
            block.capabilities = usual.filter { _ in random.chance(3, of: 4) }
            if random.chance(1, of: 40) { block.capabilities.append("deny") }
        }
        if random.chance(2, of: 5) { block.allowed = table(star: 4) }
        if random.chance(2, of: 5) { block.denied = table(star: 20) }
        if random.chance(1, of: 6) {
            block.required = [random.pick(["a", "b", "B", "Limit"])]
            if random.chance(1, of: 4) { block.required.append(random.pick(["a", "c"])) }
        }
        if random.chance(1, of: 5) {
            // Together two blocks may say what one must not: a minimum above the maximum.
            switch random.below(3) {
            case 0: block.wrappingMin = random.pick([5, 90, 95])
            case 1: block.wrappingMax = random.pick([60, 90, 3_600])
            default:
                block.wrappingMin = random.pick([0, 5, 60])
                block.wrappingMax = random.pick([0, 90, 95])
            }
        }
        if random.chance(1, of: 4) { block.pageLimit = random.pick([2, 3, 5]) }
        let mayList = block.capabilities.contains { $0 == "list" || $0 == "scan" }
        if mayList || block.oldPolicy != nil, random.chance(1, of: 3) {
            block.filter = random.pick(Self.filters)
        }
        if random.chance(1, of: 10) {
            block.expiration = random.pick(["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
        }
        return block
    }

    /// - Parameter star: one in so many tables says something about all parameters.
    private mutating func table(star: Int) -> PlainTable {
        var table: PlainTable = []
        for name in ["a", "b", "c", "limit"] where random.chance(2, of: 5) {
            let count = random.chance(1, of: 3) ? 0 : 1 + random.below(3)
            let values = (0..<count).map { _ in random.pick(Self.patterns) }
            table.append((random.chance(1, of: 6) ? name.uppercased() : name, values))
        }
        if random.chance(1, of: star) {
            table.append(("*", random.chance(1, of: 2) ? [] : [.text("x")]))
        }
        return table
    }

    // MARK: Requests

    /// A request that some rule of the last ``policies()`` is likely to speak of.
    mutating func request(facts: [String: String]) -> PlainRequest {
        let often = ["create", "read", "update", "update", "read", "patch", "list", "list"]
        let rarely = ["scan", "delete", "help"]
        let operation = random.pick(random.chance(1, of: 8) ? rarely : often)
        var request = PlainRequest(operation: operation, path: requestPath(facts))
        let isListing = operation == "list" || operation == "scan"
        if isListing, random.chance(1, of: 3) { request.path += "/" }
        var names = isListing ? ["limit", "Limit"] : ["a", "b", "c", "d", "A", "B", "limit"]
        for _ in 0..<random.pick([0, 1, 1, 2, 2, 3]) where !names.isEmpty {
            let name = names.remove(at: random.below(names.count))
            let isLimit = name.lowercased() == "limit"
            let value = random.pick(isLimit ? Self.limits : Self.values)
            request.parameters.append((name, value))
        }
        request.needsSudo = random.chance(1, of: 20)
        if random.chance(1, of: 2) {
            request.wrappingSeconds = random.pick([1, 5, 59, 60, 90, 91, 95, 3_600, 3_601])
        }
        return request
    }

    /// What a list may hold.
    mutating func name() -> String {
        random.pick(Self.words) + (random.chance(1, of: 3) ? "/" : "")
    }

    private mutating func requestPath(_ facts: [String: String]) -> String {
        var text = ""
        for piece in random.pick(paths) {
            switch piece {
            case .text("+"): text += random.pick(Self.words + [""])
            case .text("*"): text += random.pick(["", "a", "b/a", "/", "x+y"])
            case .text(let word): text += random.chance(1, of: 30) ? "zz" : word
            case .variable(let name): text += facts[name] ?? random.pick(["a", ""])
            }
        }
        if random.chance(1, of: 20) { text += "/" + random.pick(Self.words) }
        return text
    }
}
