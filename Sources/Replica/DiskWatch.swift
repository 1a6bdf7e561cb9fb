import Synchronization

/// Whether the storage machine is inside a transaction, told to the core without waiting.
///
/// A number that counts beginnings and ends: odd while one is under way. The same odd number seen
/// for many ticks is a stalled disk.
package final class DiskWatch: Sendable {
    private let count = Atomic<UInt64>(0)

    /// Nothing is under way.
    package init() {}

    /// Before anything that can wait for the disk. Once more changes nothing.
    package func begin() {
        // One thread writes, so what it reads does not change before it writes.
        let now = count.load(ordering: .relaxed)
        guard now % 2 == 0 else { return }
        count.store(now &+ 1, ordering: .releasing)
    }

    /// After it.
    ///
    /// - Parameter hasWritten: whether the disk took something. Otherwise the beginning is taken
    ///   back: what turned for nothing says nothing about the disk, and must keep no probe away.
    package func end(hasWritten: Bool) {
        let now = count.load(ordering: .relaxed)
        guard now % 2 == 1 else { return }
        count.store(hasWritten ? now &+ 1 : now &- 1, ordering: .releasing)
    }

    /// Odd while something is under way; another one after each that has written.
    package var mark: UInt64 { count.load(ordering: .acquiring) }
}

/// On the core's side of a ``DiskWatch``: counts ticks, so that a pause of the whole process,
/// after which few ticks are delivered, is no stall of the disk.
struct DiskJudge {
    /// What the look of one tick calls for.
    enum Verdict: Equatable {
        case nothing
        case stalled
        /// Was stalled, and has been well for a while.
        case recovered
        /// Nothing was written for so long that a stall would go unnoticed.
        case idle
    }

    /// Ticks that one transaction may last.
    let stallTicks: Int
    private var mark: UInt64 = 0
    /// Ticks for which `mark` has been what it is.
    private var age = 0
    private var wellTicks = 0
    private var isStalled = false

    init(stallTicks: Int) {
        precondition(stallTicks >= 1)
        self.stallTicks = stallTicks
    }

    /// One tick has passed.
    mutating func look(at mark: UInt64) -> Verdict {
        age = mark == self.mark ? age + 1 : 0
        self.mark = mark
        let isUnderWay = mark % 2 == 1
        if isUnderWay && age >= stallTicks {
            wellTicks = 0
            defer { isStalled = true }
            return isStalled ? .nothing : .stalled
        }
        if isStalled {
            // A transaction that is still the same one says nothing good yet.
            if !isUnderWay || age == 0 { wellTicks += 1 }
            guard wellTicks >= Limits.diskWellTicks else { return .nothing }
            isStalled = false
            return .recovered
        }
        guard !isUnderWay && age >= Limits.diskProbeTicks else { return .nothing }
        age = 0
        return .idle
    }
}
