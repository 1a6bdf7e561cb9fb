import Wire

/// The members as a table, how the cluster is, and what to do about it.
enum ClusterReport {
    /// Widest line that is printed.
    static let columnsMax = 100
    /// What an address gets at least, if the zones have to go for it.
    private static let addressColumnsMin = 24

    static func text(_ view: ClusterView, hasColours: Bool, now: Timestamp) -> String {
        let lines =
            [table(view, hasColours: hasColours), ""] + facts(view, now) + survival(view.members)
            + StatusWarning.lines(warnings(view), columns: columnsMax)
        return lines.joined(separator: "\n")
    }

    // MARK: table

    private static func table(_ view: ClusterView, hasColours: Bool) -> String {
        var header = ["Node", "Region", "Zone", "Role", "State", "Lag", "Disk", "Clock"]
        var rows = view.members.map { member in
            [
                short(member.name, 16), short(member.region, 10), short(member.zone, 12),
                member.role, state(member), short(lag(member, view), 11), disk(member.status),
                clock(member),
            ]
        }
        let gap = 2
        func left() -> Int {
            columnsMax
                - header.indices.reduce(0) { sum, column in
                    sum + gap + (([header] + rows).map { $0[column].count }.max() ?? 0)
                }
        }
        if left() < addressColumnsMin {
            header.remove(at: 2)
            for row in rows.indices { rows[row].remove(at: 2) }
        }
        let addressColumns = max(1, left())
        var table = Table(header + ["Address"], gap: gap)
        for (member, row) in zip(view.members, rows) {
            table.add(row + [short(member.apiAddress ?? "-", addressColumns)])
        }
        let stateColumn = header.firstIndex(of: "State")
        return table.text { row, column, cell in
            guard hasColours, column == stateColumn else { return cell }
            return "\u{1B}[\(colour(view.members[row].state))m\(cell)\u{1B}[0m"
        }
    }

    private static func state(_ member: ClusterMember) -> String {
        guard member.state == .sealed, let status = member.status, status.sharesNeeded > 0 else {
            return member.state.rawValue
        }
        return "sealed \(status.sharesGiven)/\(status.sharesNeeded)"
    }

    private static func lag(_ member: ClusterMember, _ view: ClusterView) -> String {
        view.lag(of: member).map(StatusText.count) ?? "-"
    }

    private static func disk(_ status: NodeStatusAnswer?) -> String {
        guard let status else { return "-" }
        if !status.takesEntries { return "full" }
        if !status.hasRoom { return "low" }
        return status.diskAvailable.map(StatusText.bytes) ?? "ok"
    }

    private static func clock(_ member: ClusterMember) -> String {
        guard let seconds = member.clockSeconds else { return "-" }
        return abs(seconds) > StatusWarning.clockSecondsMax
            ? StatusText.difference(seconds) : "ok"
    }

    private static func short(_ text: String, _ limit: Int) -> String {
        let safe = ResultText.harmless(text)
        return safe.count <= limit ? safe : "\(safe.prefix(limit - 1))…"
    }

    /// Green, yellow, red.
    private static func colour(_ state: ClusterMember.State) -> Int {
        switch state {
        case .unsealed: 32
        case .sealed, .empty, .unknown: 33
        case .unreachable, .cutOff, .leaderless: 31
        }
    }

    // MARK: facts

    /// One line each, a word and what there is to it.
    private static func facts(_ view: ClusterView, _ now: Timestamp) -> [String] {
        guard let status = view.mostKnowing else { return [] }
        var facts = [("leader", leader(view, status, now))]
        if let committed = view.committedIndex {
            let size = status.databaseBytes.map { ", database \(StatusText.bytes($0))" } ?? ""
            facts.append(("log", "\(StatusText.count(committed)) entries committed\(size)"))
        }
        if let tokens = status.tokens { facts.append(("tokens", StatusText.count(tokens))) }
        if let jobs = status.jobs { facts.append(("jobs", StatusText.text(jobs))) }
        if let audit = audit(view.members) { facts.append(("audit", audit)) }
        let versions = Set(view.members.compactMap { $0.status?.version })
        if versions.count > 1 {
            facts.append(("versions", versions.sorted().joined(separator: ", ")))
        }
        return facts.flatMap { labelled($0.0, $0.1) }
    }

    private static func leader(
        _ view: ClusterView,
        _ status: NodeStatusAnswer,
        _ now: Timestamp
    ) -> String {
        guard let leader = view.leader, status.hasLeader else { return "none, term \(status.term)" }
        guard let since = leader.status?.leaderSince, since <= now else {
            return "\(leader.name), term \(status.term)"
        }
        let seconds = Int((now.nanoseconds - since.nanoseconds) / 1_000_000_000)
        return "\(leader.name), term \(status.term), for \(StatusText.duration(seconds: seconds))"
    }

    /// Nil where nobody said anything of it.
    private static func audit(_ members: [ClusterMember]) -> String? {
        let told = members.filter { $0.status?.isAudited != nil }
        guard !told.isEmpty else { return nil }
        let off = told.filter { $0.status?.isAudited == false }.map(\.name)
        if off.isEmpty { return "on" }
        return off.count == told.count ? "off" : "off at \(off.joined(separator: ", "))"
    }

    private static func survival(_ members: [ClusterMember]) -> [String] {
        var lines = labelled("survives", configured(members).text)
        let now = current(members)
        let lost = configured(members).have - now.have
        if lost > 0 {
            let voters = configured(members).have
            lines += labelled(
                "now",
                "\(lost) of \(voters) voters unreachable; \(now.textAfterLosses)"
            )
        }
        return lines
    }

    private static func labelled(_ label: String, _ text: String) -> [String] {
        let indent = 10
        var lines = StatusText.wrapped(text, indent: indent, columns: columnsMax)
        guard let first = lines.first else { return [] }
        let head = label + ":" + String(repeating: " ", count: indent - label.count - 1)
        lines[0] = head + first.dropFirst(indent)
        return lines
    }

    // MARK: warnings

    /// Everything that somebody should do something about, the worst first.
    static func warnings(_ view: ClusterView) -> [StatusWarning] {
        var warnings = leadership(view)
        for member in view.members {
            warnings += connection(member, view)
            if let status = member.status {
                warnings += StatusWarning.of(status, at: member.apiAddress ?? "")
            }
        }
        for member in view.members { warnings += drift(member, view) }
        return warnings + StatusWarning.of(view.mostKnowing?.jobs)
    }

    private static func leadership(_ view: ClusterView) -> [StatusWarning] {
        let answered = view.members.filter { $0.status != nil }
        guard !answered.isEmpty else { return [] }
        if answered.allSatisfy({ $0.status?.isInitialized == false }) {
            return [
                StatusWarning(node: nil, problem: "there is no vault yet", next: "holdfast init")
            ]
        }
        guard answered.allSatisfy({ $0.status?.hasLeader == false }) else { return [] }
        let now = current(view.members)
        guard !now.hasMajority else {
            return [
                StatusWarning(
                    node: nil,
                    problem: "nobody leads, although \(now.have) voters answer and \(now.need) "
                        + "are enough: an election takes a second, longer only where they do not "
                        + "reach each other",
                    next: "holdfast cluster status, again; then check the network between the "
                        + "peer addresses"
                )
            ]
        }
        return [
            StatusWarning(
                node: nil,
                problem: "nobody leads: \(now.have) of the \(now.need) voters that are needed "
                    + "answer; nothing is written, and reads are refused but for stale ones",
                next: "start the members below that do not answer; nothing is lost meanwhile"
            )
        ]
    }

    private static func connection(
        _ member: ClusterMember,
        _ view: ClusterView
    ) -> [StatusWarning] {
        let address = member.apiAddress ?? "-"
        if member.state == .unreachable {
            return [
                StatusWarning(
                    node: member.name,
                    problem: member.failure ?? "it does not answer at \(address)",
                    next: "on its machine: systemctl status holdfast; journalctl -u holdfast -n 50"
                )
            ]
        }
        let isCutOff =
            member.state == .cutOff || member.isHeard == false && member.status != nil
            || member.state == .sealed && member.status?.hasLeader == false
                && view.members.contains { $0.status?.hasLeader == true }
        guard isCutOff, let leader = view.leader, leader.name != member.name else { return [] }
        return [
            StatusWarning(
                node: member.name,
                problem: "it answers here, and it and the leader \(leader.name) do not hear each "
                    + "other",
                next: "check the network between \(member.peerAddress) and \(leader.peerAddress)"
            )
        ]
    }

    private static func drift(_ member: ClusterMember, _ view: ClusterView) -> [StatusWarning] {
        var warnings: [StatusWarning] = []
        if let seconds = member.clockSeconds, abs(seconds) > StatusWarning.clockSecondsMax {
            let size = StatusText.difference(abs(seconds)).dropFirst()
            warnings.append(
                StatusWarning(
                    node: member.name,
                    problem: "its clock is \(size) \(seconds > 0 ? "ahead of" : "behind") the "
                        + "other members'",
                    next: "on its machine: timedatectl; chronyc tracking"
                )
            )
        }
        if let lag = view.lag(of: member), lag > StatusWarning.lagMax, member.status != nil {
            warnings.append(
                StatusWarning(
                    node: member.name,
                    problem: "it is \(StatusText.count(lag)) log entries behind",
                    next: "holdfast cluster status, again: if the number does not fall, look at "
                        + "its disk and its network"
                )
            )
        }
        return warnings
    }

    // MARK: JSON

    static func json(_ view: ClusterView) -> JSONValue {
        func optional(_ text: String) -> JSONValue { text.isEmpty ? nil : .string(text) }
        func number(_ value: Int?) -> JSONValue { value.map { .number(JSONNumber($0)) } ?? nil }
        let list = view.members.map { member -> JSONValue in
            [
                "name": .string(member.name), "region": optional(member.region),
                "zone": optional(member.zone), "role": .string(member.role),
                "voter": .bool(member.isVoter), "state": .string(word(member.state)),
                "api_address": member.apiAddress.map(JSONValue.string) ?? nil,
                "peer_address": .string(member.peerAddress),
                "applied_index": number(member.appliedIndex), "lag": number(view.lag(of: member)),
                "clock_milliseconds": member.clockSeconds.map { clock in
                    .number(JSONNumber(Int((clock * 1_000).rounded())))
                } ?? nil,
                "failure": member.failure.map(JSONValue.string) ?? nil,
                "status": member.status.map { .object(told($0)) } ?? nil,
            ]
        }
        return [
            "leader": view.leader.map { .string($0.name) } ?? nil, "members": .array(list),
            "survives": json(configured(view.members)),
            "survives_now": json(current(view.members)),
            "warnings": StatusWarning.json(warnings(view)),
        ]
    }

    /// All but the members, which stand above it.
    private static func told(_ status: NodeStatusAnswer) -> JSONObject {
        JSONObject(
            status.object.members.filter { $0.name != "members" }.map { ($0.name, $0.value) }
        )
    }

    /// One word for machines.
    private static func word(_ state: ClusterMember.State) -> String {
        switch state {
        case .empty: "empty"
        case .cutOff: "cut_off"
        case .leaderless: "no_leader"
        case .unsealed, .sealed, .unreachable, .unknown: state.rawValue
        }
    }

    private static func json(_ survival: Survival) -> JSONValue {
        [
            "nodes": .number(JSONNumber(survival.nodes)),
            "regions": survival.regions.map { .number(JSONNumber($0)) } ?? nil,
            "majority": .bool(survival.hasMajority),
        ]
    }

    // MARK: counting

    /// What the configuration survives with every voter there.
    static func configured(_ members: [ClusterMember]) -> Survival {
        Survival(votersByRegion: count(members.filter(\.isVoter)))
    }

    /// What is left to lose, with the unreachable voters lost already, and those that are cut off.
    /// A sealed voter counts as there: it replicates and votes.
    static func current(_ members: [ClusterMember]) -> Survival {
        let voters = members.filter(\.isVoter)
        return Survival(
            votersByRegion: count(voters),
            lostByRegion: count(voters.filter { [.unreachable, .cutOff].contains($0.state) })
        )
    }

    private static func count(_ members: [ClusterMember]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for member in members { counts[member.region, default: 0] += 1 }
        return counts
    }
}
