import Glibc
package import Raft
package import Store

/// What looking over the whole store came to since the start.
package struct ScrubStatus: Sendable, Equatable {
    /// Whole passes over everything.
    package internal(set) var passes: UInt64 = 0
    /// Pages of the database whose place and structure were looked at.
    package internal(set) var pages: UInt64 = 0
    /// Bytes looked at in the pass that goes on.
    package internal(set) var passBytes: UInt64 = 0
    /// When the last whole pass ended.
    package internal(set) var lastPass: Moment?
    /// Things found damaged.
    package internal(set) var found: UInt64 = 0
    /// Repairs that worked out.
    package internal(set) var repaired: UInt64 = 0
    /// Buckets of the state that are known to be damaged and wait for repair: neither a list nor
    /// an absence may rest on them.
    package internal(set) var doubtfulBuckets: [Int] = []
    /// The last checkpoint at which a majority had this node's state.
    package internal(set) var agreed = LogIndex.zero
    /// The damage found last, in words.
    package internal(set) var lastFinding: String?
}

/// A pass over log, state, the rest, and the pages that hold it all, in slices, and how long to
/// rest after each. No thread, no clock.
package struct ScrubMachine {
    private enum Stage { case log, state, rest, pages }

    private var log = LogScrub()
    private var state = StateScrub()
    private var place = PageScrub()
    private var stage = Stage.log
    /// The bytes of the pass so far.
    package private(set) var passBytes: UInt64 = 0
    /// Pages looked at, in all passes.
    package private(set) var pages: UInt64 = 0
    /// Buckets of the state that the last slice saw to their ends, and that add up.
    package private(set) var whole = BucketSet()

    /// At the beginning of a pass.
    package init() {}

    /// Begins the pass anew.
    package mutating func begin() {
        (log, state, place) = (LogScrub(), StateScrub(), PageScrub())
        (stage, passBytes) = (.log, 0)
        whole = BucketSet()
    }

    /// Looks at the next slice.
    ///
    /// - Returns: what was found, and whether the pass is through.
    package mutating func step(
        _ store: LocalStore
    ) throws(StoreError) -> (findings: [ScrubFinding], isWholePass: Bool) {
        let slice =
            switch stage {
            case .log: try store.scrubLog(&log, bytesMax: Limits.scrubSliceBytes)
            case .state: try store.scrubState(&state, bytesMax: Limits.scrubSliceBytes)
            case .rest: try store.scrubRest()
            case .pages: try store.scrubPages(&place, bytesMax: Limits.scrubSliceBytes)
            }
        whole = slice.whole
        pages += slice.pages
        passBytes += UInt64(slice.bytes)
        guard slice.isFinished else { return (slice.findings, false) }
        switch stage {
        case .log: stage = .state
        case .state: stage = .rest
        case .rest: stage = .pages
        case .pages:
            begin()
            return (slice.findings, true)
        }
        return (slice.findings, false)
    }

    /// The rest after a slice: neither more bytes a second nor a greater share of the time than the
    /// limits allow, so that nobody notices.
    package static func pause(after work: Duration) -> Duration {
        let byShare = work * Limits.scrubShareOfTime
        let byBytes = Duration.seconds(
            Double(Limits.scrubSliceBytes) / Double(Limits.scrubBytesPerSecond)
        )
        return max(byShare, byBytes)
    }
}

/// The scrubber's thread: low priority, sealed or not.
struct Scrubber {
    /// A reason to begin the next pass at once.
    enum Command: Sendable { case passNow }

    let store: LocalStore
    let mailbox: Mailbox<Command>
    let repair: Mailbox<RepairJob>
    let board: StatusBoard
    let trust: BucketTrust

    /// Runs until the mailbox is closed.
    func run() {
        var machine = ScrubMachine()
        var begun = Moment.now
        var bucketBegun = begun
        var rest = Duration.milliseconds(100)
        while let commands = mailbox.take(most: 16, until: .now + rest) {
            if commands.isEmpty || machine.passBytes == 0 {
                let (now, worked) = (Moment.now, Self.processorTime)
                if machine.passBytes == 0 { begun = now }
                let isWhole = step(&machine)
                // A bucket may need several slices; what it was at their beginning it was seen to
                // be. The next one was begun in this slice.
                if machine.passBytes == 0 { bucketBegun = now }
                for bucket in machine.whole.all { trust.saw(bucket, bucketBegun) }
                if !machine.whole.isEmpty { bucketBegun = now }
                // Not what the clock says: on a busy machine a thread of low priority waits most
                // of the time, and would rest a hundred times that.
                rest = ScrubMachine.pause(after: Self.processorTime - worked)
                if isWhole {
                    let next = begun + .seconds(Limits.scrubPassSeconds)
                    rest = max(rest, next - Moment.now)
                }
            } else {
                rest = .milliseconds(1)
            }
        }
    }

    /// What this thread has had of a processor.
    private static var processorTime: Duration {
        var time = timespec()
        let code = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        precondition(code == 0, "no clock for this thread")
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private func step(_ machine: inout ScrubMachine) -> Bool {
        do throws(StoreError) {
            let (findings, isWhole) = try machine.step(store)
            for finding in findings { repair.post(.found(finding)) }
            let (bytes, pages) = (machine.passBytes, machine.pages)
            board.update { status in
                status.scrub.pages = pages
                status.scrub.passBytes = bytes
                if isWhole {
                    status.scrub.passes += 1
                    status.scrub.lastPass = .now
                }
            }
            return isWhole
        } catch {
            repair.post(.found(.structure(error)))
            machine.begin()
            return true
        }
    }
}
