import Raft
import Store

/// On the leader: which keys the entries of this term touch, so that a batch prepared on an older
/// state is found before it enters the log, without reading the disk on the core's thread.
///
/// A batch names the index its checks were read at (`baseIndex`). It conflicts when a key it
/// checks was written by a later entry. Keys of entries before this term are not known here, so a
/// batch based on a state older than the term's beginning is prepared again as well.
struct RecentWrites {
    private var lastWrite: [StorageKey: LogIndex] = [:]
    private var order: [(index: LogIndex, keys: [StorageKey])] = []
    private var head = 0
    /// Keys in `order` from `head` on, repeats included: one key that is written all the time
    /// must not fill the memory either. An entry counts for one at least.
    private(set) var count = 0
    /// Nothing is known of writes at or below this index.
    private var floor = LogIndex.zero

    /// Forgets everything: a new term of ours begins after `index`.
    mutating func begin(at index: LogIndex) {
        lastWrite = [:]
        order = []
        head = 0
        count = 0
        floor = index
    }

    /// The index after whose evaluation `batch` must be prepared again; nil when it may be
    /// appended.
    func conflict(of batch: WriteBatch) -> LogIndex? {
        let base = LogIndex(number: batch.baseIndex)
        guard base >= floor else { return floor }
        var newest: LogIndex?
        // Only checks: markers are put and pruned by what evaluation finds, so writers of one
        // folder do not wait for each other.
        for case .check(let key, _) in batch.operations {
            guard let index = lastWrite[key], index > base else { continue }
            newest = max(newest ?? .zero, index)
        }
        return newest
    }

    /// Records that the entry at `index` writes `keys`.
    mutating func record(_ keys: [StorageKey], at index: LogIndex) {
        for key in keys { lastWrite[key] = index }
        order.append((index, keys))
        count += max(1, keys.count)
    }

    /// Forgets the oldest entries that are evaluated, beyond the bound.
    mutating func prune(evaluated: LogIndex) {
        while count > Limits.recentWritesMax, head < order.count, order[head].index <= evaluated {
            let (index, keys) = order[head]
            for key in keys where lastWrite[key] == index { lastWrite[key] = nil }
            floor = max(floor, index)
            count -= max(1, keys.count)
            order[head].keys = []
            head += 1
        }
        if head > 4_096, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
    }
}
