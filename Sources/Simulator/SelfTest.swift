import Store

/// Ways in which a simulated disk may break its word, so that tests can show that somebody notices.
package enum Lie: CaseIterable, Sendable {
    /// A crash loses the newest durable vote.
    case forgetsVotes
    /// A crash loses durable entries at the end of the log.
    case forgetsEntries
    /// A crash changes a record without spoiling its checksum.
    case changesRecords
}

extension Disk {
    /// Breaks the disk's word as `lie` says; the process is gone.
    func tell(_ lie: Lie, _ dice: inout Dice) {
        switch lie {
        case .forgetsVotes: forgetVote()
        case .forgetsEntries: durable.forgetEnd(upTo: 1 + dice.below(8))
        case .changesRecords: durable.changeRecord(&dice)
        }
    }
}

extension DiskTables {
    /// What a start does that takes a damaged entry for the end of the log.
    mutating func cutAtDamage() {
        guard let first = log.first(where: { $0.damage != .none })?.entry.index else { return }
        for row in log where row.damage != .none { damageLog(at: row.entry.index, .none) }
        forgetEnd(upTo: Int(point.last.index - first) + 1)
    }

    /// Loses entries at the end, committed or not.
    fileprivate mutating func forgetEnd(upTo count: Int) {
        let last = point.last.index
        let kept = max(point.appliedIndex, last - min(last, UInt64(count)))
        guard kept < last else { return }
        point.commitIndex = min(point.commitIndex, kept)
        do {
            try truncateLog(from: kept + 1)
        } catch {
            // Already damaged there: as good as lost.
        }
    }

    fileprivate mutating func changeRecord(_ dice: inout Dice) {
        guard !state.isEmpty else { return }
        rewrite(at: dice.below(state.count))
    }
}
