import Wire

/// Something that an operator should do something about, and what.
struct StatusWarning {
    /// Whose it is; nil: the cluster's.
    let node: String?
    /// What is wrong.
    let problem: String
    /// What to type or to look at next.
    let next: String

    /// Free disk space below which there is a warning before the node feels it.
    static let diskBytesMin = 1 << 30
    /// Clocks that differ by more. At two seconds a leader gives way.
    static let clockSecondsMax = 1.0
    /// Log entries that a member may be behind.
    static let lagMax = 10_000
    /// Seconds that what is due may be late.
    static let tasksLagSecondsMax = 30
    /// A record that could not be written counts as trouble for so long.
    static let refusalSeconds = 60

    /// For a terminal: the problem, and what to do, indented below it.
    static func lines(_ warnings: [StatusWarning], columns: Int) -> [String] {
        guard !warnings.isEmpty else { return [] }
        return ["", "warnings"]
            + warnings.flatMap { warning in
                let subject = warning.node.map { "\($0): " } ?? ""
                return StatusText.wrapped(subject + warning.problem, indent: 2, columns: columns)
                    + StatusText.wrapped("next: \(warning.next)", indent: 4, columns: columns)
            }
    }

    static func json(_ warnings: [StatusWarning]) -> JSONValue {
        .array(
            warnings.map { warning in
                [
                    "node": warning.node.map { .string($0) } ?? .null,
                    "problem": .string(warning.problem), "next": .string(warning.next),
                ]
            }
        )
    }

    // MARK: one node

    /// What is wrong with one node by its own word.
    ///
    /// - Parameter address: where it was asked.
    static func of(_ status: NodeStatusAnswer, at address: String) -> [StatusWarning] {
        var warnings: [StatusWarning] = []
        func warn(_ problem: String, _ next: String) {
            warnings.append(StatusWarning(node: status.name, problem: problem, next: next))
        }
        if status.isInitialized, status.isSealed {
            warn(
                "it is sealed, \(status.sharesGiven) of \(status.sharesNeeded) shares are given; "
                    + "it votes and replicates, and answers no request",
                "holdfast unseal -address=\(address)"
            )
        }
        if !status.takesEntries {
            warn(
                "its disk is full: it appends nothing, votes, and lets others answer",
                "make room on the disk of its data folder; df -h shows it"
            )
        } else if !status.hasRoom {
            warn(
                "its disk is nearly full: writes other than deletes are refused where it leads",
                "make room on the disk of its data folder; df -h shows it"
            )
        } else if let available = status.diskAvailable, available < diskBytesMin {
            warn(
                "its disk has \(StatusText.bytes(available)) left",
                "make room on the disk of its data folder before writes are refused"
            )
        }
        if let seconds = status.secondsSinceRefusal, seconds < refusalSeconds {
            warn(
                "requests are refused because their audit records cannot be written, the last one "
                    + "\(StatusText.duration(seconds: seconds)) ago",
                "its log says why: journalctl -u holdfast -n 50; make room, or mend the disk"
            )
        }
        if status.damagedParts > 0 {
            warn(
                "\(StatusText.count(status.damagedParts, "part")) of its state wait for repair"
                    + (status.lastDamage.map { ": \($0)" } ?? ""),
                "bring the other members up, they have it; then replace this disk"
            )
        } else if status.damagesFound > 0 {
            warn(
                "its disk damaged data \(StatusText.count(status.damagesFound, "time")) since it "
                    + "was started; all of it is repaired",
                "replace this disk"
            )
        }
        return warnings
    }

    /// What keeps the vault's own work, which is the same on every member.
    static func of(_ jobs: NodeStatusAnswer.Jobs?) -> [StatusWarning] {
        guard let jobs else { return [] }
        var warnings: [StatusWarning] = []
        func warn(_ problem: String) {
            warnings.append(
                StatusWarning(node: nil, problem: problem, next: "holdfast jobs list")
            )
        }
        if jobs.stuckLeases > 0 {
            warn(
                "\(StatusText.count(jobs.stuckLeases, "lease")) cannot be ended, and what hangs on "
                    + "them lives on"
            )
        }
        for job in jobs.worst {
            let failures = job["failures"]?.asInt ?? 0
            warn(
                "job \(job["id"]?.asString ?? "") (\(job["kind"]?.asString ?? "")) failed "
                    + "\(StatusText.count(failures, "time")), tries again at "
                    + "\(job["next_attempt"]?.asString ?? ""): \(job["reason"]?.asString ?? "")"
            )
        }
        let rest = jobs.failing - jobs.worst.count
        if rest > 0 { warn("\(StatusText.count(rest, "more job")) fail") }
        if jobs.lagSeconds > tasksLagSecondsMax {
            warn("what is due is \(StatusText.duration(seconds: jobs.lagSeconds)) late")
        }
        return warnings
    }
}
