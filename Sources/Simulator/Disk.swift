import Replica
import Store

/// A node's disk: what survives a crash, and what is on its way to it.
///
/// A write waits in `underWay` until its sync has returned; a crash keeps the first few of those
/// and forgets the rest. Transactions are atomic, as LMDB's are (copy on write, one header page);
/// the copies of the vote are not.
final class Disk {
    enum Write {
        case turn(StorageTurn)
        case vote(Ballot)
        case install(SnapshotImage)
        case body(index: UInt64)
        case records([RepairedRecord], bucket: Int, expected: StateBucket?)
        /// Not a write, but what happened to those before it: in the order in which it happened.
        case mishap(Mishap)
    }

    /// What the last finished sync left.
    var durable: DiskTables
    /// Beside the tables: the files of snapshots.
    var files = SnapshotFilesAtRest()
    /// The four copies of the vote, as their bytes.
    private(set) var voteCopies: [[UInt8]]
    /// The vote that all copies had after the last finished save.
    private(set) var durableBallot = Ballot.none
    private(set) var underWay: [Write] = []
    /// How much can be written that needs room.
    var space = SpaceState.ample
    /// Writes that found no room, and syncs that failed.
    private(set) var refusals = 0
    private(set) var failedSyncs = 0
    /// The next sync reports an error.
    var failsNextSync = false
    /// One did, which is the end of the process: it writes nothing more.
    private var hasFailed = false
    /// Until then every write hangs.
    var stalledUntil: UInt64 = 0
    /// Nanoseconds for one flush.
    var flushTime: ClosedRange<UInt64> = 60_000...400_000

    /// A sync brought a configuration that nobody has checked yet.
    private var hasNewConfiguration = false

    init(requestsRetained: UInt64) {
        durable = DiskTables(requestsRetained: requestsRetained)
        voteCopies = (0..<VoteFile.copies).map { VoteFile.encode(.none, copy: $0) }
    }

    /// A write is on its way. If its sync is the one to fail, it may have reached the disk all the
    /// same: it stays under way, and the crash that follows keeps it or not, as any other.
    func begin(_ write: Write) throws(StoreError) {
        if !hasFailed {
            underWay.append(write)
            guard failsNextSync else { return }
            failsNextSync = false
            failedSyncs += 1
            hasFailed = true
        }
        throw .system(code: 5, operation: "fdatasync", path: "data")
    }

    /// Called before what needs room.
    func requireRoom() throws(StoreError) {
        guard space == .exhausted else { return }
        refusals += 1
        throw .full
    }

    /// Something happens to what is on the disk, or on its way to it. Of the latter it is seen once
    /// it is there, so that the disk comes to what the process has seen of it.
    func suffer(_ mishap: Mishap) {
        if underWay.isEmpty { durable.suffer(mishap) } else { underWay.append(.mishap(mishap)) }
    }

    /// The syncs have returned: all that was under way is durable.
    func finish() throws(StoreError) {
        for write in underWay { try carryOut(write) }
        underWay.removeAll(keepingCapacity: true)
    }

    private func carryOut(_ write: Write) throws(StoreError) {
        switch write {
        case .turn(let turn):
            _ = try turn.write(to: &durable)
            if turn.configuration != nil { hasNewConfiguration = true }
        case .vote(let ballot):
            for copy in 0..<VoteFile.copies {
                voteCopies[copy] = VoteFile.encode(ballot, copy: copy)
            }
            durableBallot = ballot
        case .install(let image):
            durable.install(image)
            hasNewConfiguration = true
        case .body(let index): durable.damageLog(at: index, .none)
        case .records(let records, let bucket, let expected):
            try durable.repairRecords(records, bucket: bucket, expected: expected)
        case .mishap(let mishap): durable.suffer(mishap)
        }
    }

    /// Whether anything on it is damaged, or will be once what is under way is there.
    var isDamaged: Bool {
        durable.isDamaged || underWay.contains { if case .mishap = $0 { true } else { false } }
    }

    func takeNewConfiguration() -> [UInt8]? {
        guard hasNewConfiguration else { return nil }
        hasNewConfiguration = false
        return durable.cluster?.configuration
    }

    /// An empty disk begins to be a member.
    func found(_ cluster: ClusterRecord) { durable.cluster = cluster }

    /// The database is put aside; the vote's file stays where it is sound.
    func renew(_ cluster: ClusterRecord, keepsVote: Bool) {
        precondition(underWay.isEmpty, "a running node's disk is not made anew")
        durable = DiskTables(requestsRetained: durable.requestsRetained)
        durable.cluster = cluster
        hasNewConfiguration = false
        guard !keepsVote else { return }
        voteCopies = (0..<VoteFile.copies).map { VoteFile.encode(.none, copy: $0) }
        durableBallot = .none
    }

    /// The power goes: the first writes under way have made it, perhaps one is half done, the rest
    /// is gone.
    func crash(_ dice: inout Dice) throws(StoreError) {
        hasFailed = false
        let kept = underWay.isEmpty ? 0 : dice.below(underWay.count + 1)
        for write in underWay[..<kept] { try carryOut(write) }
        if kept < underWay.count, case .vote(let ballot) = underWay[kept] {
            tear(ballot, &dice)
        }
        files.crash()
        underWay.removeAll(keepingCapacity: true)
    }

    /// Two copies, sync, two copies, sync: the first pair may be whole and the second torn.
    private func tear(_ ballot: Ballot, _ dice: inout Dice) {
        let first = dice.chance(512) ? 2 : 0
        for copy in 0..<first { voteCopies[copy] = VoteFile.encode(ballot, copy: copy) }
        for copy in first..<first + 2 where dice.chance(512) {
            let whole = VoteFile.encode(ballot, copy: copy)
            let length = dice.below(whole.count + 1)
            voteCopies[copy].replaceSubrange(..<length, with: whole[..<length])
        }
    }

    /// What a start reads: the newest valid copy, after which all copies are made equal.
    func openVote() throws(StoreError) -> Ballot {
        var newest: Ballot?
        for copy in 0..<VoteFile.copies {
            guard let ballot = VoteFile.decode(voteCopies[copy], copy: copy) else { continue }
            newest = try newest?.merged(with: ballot) ?? ballot
        }
        guard let newest else { throw .damagedVoteFile("no copy is valid") }
        try carryOut(.vote(newest))
        return newest
    }

    /// Flips one bit of one copy, as long as two intact ones remain: two failures in one file are
    /// repaired, a third is the loss of a member.
    ///
    /// - Returns: whether a bit was flipped.
    func flipVoteBit(_ dice: inout Dice) -> Bool {
        let intact = (0..<VoteFile.copies).filter { copy in
            VoteFile.decode(voteCopies[copy], copy: copy) == durableBallot
        }
        guard intact.count > 2 else { return false }
        let copy = intact[dice.below(intact.count)]
        voteCopies[copy][dice.below(VoteFile.copyBytes)] ^= 1 << UInt8(dice.below(8))
        return true
    }

    /// Only the self-test does that.
    func forgetVote() {
        voteCopies = (0..<VoteFile.copies).map { VoteFile.encode(.none, copy: $0) }
        durable.point.vote = nil
    }

    /// All that is on it.
    struct Image {
        let tables: DiskTables
        let voteCopies: [[UInt8]]
        let ballot: Ballot
        let files: SnapshotFilesAtRest

        var incarnation: UInt64 { tables.cluster?.incarnation ?? 0 }
    }

    var image: Image {
        Image(tables: durable, voteCopies: voteCopies, ballot: durableBallot, files: files)
    }

    /// Somebody restored an old image of the machine.
    func restore(_ image: Image) {
        precondition(underWay.isEmpty, "a running node's disk is not restored")
        durable = image.tables
        voteCopies = image.voteCopies
        durableBallot = image.ballot
        files = image.files
    }
}
