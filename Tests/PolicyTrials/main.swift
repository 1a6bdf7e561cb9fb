import Glibc
import Policy
import TestSupport
import Wire

/// How long a decision takes, by the number of policies that a token has:
///
///     swift run -c release policy-trials
///
/// Each policy has twenty blocks: exact paths, prefixes, segments that may be any, and one with
/// parameters. Paths are asked for that each of those decides about, and one in six that none does,
/// in random order. Exit code 1: with 20 policies a decision takes longer than the goal.
struct DecisionTrial {
    let policies: Int
    static let blocks = 20
    static let rounds = 200_000
    /// Nanoseconds of a decision, and the policies that the goal is for.
    static let goal = (nanoseconds: 2_000.0, policies: 20)
    /// The quickest counts: what else the machine does only makes them slower.
    static let runs = 5

    /// Where a block's rule is.
    private static func mount(_ policy: Int, _ block: Int) -> String {
        "team-\((policy * 7 + block) % 40)"
    }

    private static func text(_ policy: Int) -> String {
        (0..<blocks).map { block in
            let mount = mount(policy, block)
            switch block % 5 {
            case 0:
                return "path \"\(mount)/data/app-\(policy)/\(block)\" { "
                    + "capabilities = [\"create\", \"read\", \"update\"] }"
            case 1: return "path \"\(mount)/data/app-\(policy)/*\" { capabilities = [\"read\"] }"
            case 2: return "path \"\(mount)/+/shared/\(block)\" { capabilities = [\"list\"] }"
            case 3: return "path \"\(mount)/data/+/secret\" { capabilities = [\"deny\"] }"
            default:
                return "path \"\(mount)/config-\(policy)\" { capabilities = [\"update\"] "
                    + "allowed_parameters = { \"max_versions\" = [], \"cas_required\" = [true] } }"
            }
        }.joined(separator: "\n")
    }

    private func list() throws -> AccessList {
        let sources = try (0..<policies).map { number in
            AccessList.Source(
                name: "policy-\(number)",
                document: try PolicyDocument(parsing: Self.text(number))
            )
        }
        return AccessList(sources, for: .nobody, at: Timestamp(nanoseconds: 1))
    }

    /// One that a rule allows or denies for each kind of block, and as many that none speaks of.
    private func requests(_ random: inout Seeded) -> [AccessRequest] {
        (0..<1_024).map { number in
            let policy = random.below(policies)
            let kind = random.below(6)
            let block = random.below(Self.blocks / 5) * 5 + min(kind, 4)
            let mount = Self.mount(policy, block)
            switch kind {
            case 0: return AccessRequest(.read, "\(mount)/data/app-\(policy)/\(block)")
            case 1: return AccessRequest(.read, "\(mount)/data/app-\(policy)/a/b/c/\(number)")
            case 2: return AccessRequest(.list, "\(mount)/metadata/shared/\(block)")
            case 3: return AccessRequest(.read, "\(mount)/data/app-\(policy)/secret")
            case 4:
                var request = AccessRequest(.update, "\(mount)/config-\(policy)")
                request.parameters = ["max_versions": 5, "cas_required": true]
                return request
            default: return AccessRequest(.read, "\(mount)/nobody/\(number)/a/b")
            }
        }
    }

    /// Nanoseconds for putting the policies together, and for one decision.
    func run() throws -> (build: Double, decide: Double, allowed: Int) {
        var random = Seeded(1)
        let requests = requests(&random)
        let clock = ContinuousClock()
        var start = clock.now
        let list = try list()
        let build = clock.now - start
        var allowed = 0
        start = clock.now
        for round in 0..<Self.rounds where list.decide(requests[round & 1_023]).isAllowed {
            allowed += 1
        }
        let decide = clock.now - start
        return (build / .nanoseconds(1), decide / .nanoseconds(1) / Double(Self.rounds), allowed)
    }
}

func quickest(_ policies: Int) throws -> (build: Double, decide: Double, allowed: Int) {
    let trial = DecisionTrial(policies: policies)
    var best = try trial.run()
    for _ in 1..<DecisionTrial.runs {
        let next = try trial.run()
        if next.decide < best.decide { best = next }
    }
    return best
}

var isWell = true
for policies in [1, 5, 20, 100, 256] {
    let result = try quickest(policies)
    let share = result.allowed * 100 / DecisionTrial.rounds
    print(
        "\(policies) policies of \(DecisionTrial.blocks) blocks: read and put together in "
            + "\(Int(result.build / 1_000)) µs, \(Int(result.decide)) ns a decision, "
            + "\(share) % allowed"
    )
    guard policies == DecisionTrial.goal.policies else { continue }
    let isMet = result.decide <= DecisionTrial.goal.nanoseconds
    print(
        "goal: at most \(Int(DecisionTrial.goal.nanoseconds)) ns a decision with \(policies) "
            + "policies: \(isMet ? "met" : "MISSED") with \(Int(result.decide)) ns"
    )
    isWell = isWell && isMet
}
exit(isWell ? 0 : 1)
