import Dispatch
import Logging
package import Raft
import Store
import Wire

/// Work for the snapshot thread.
package enum CourierJob: Sendable {
    /// Send a snapshot of at least this index, as the leader of this term.
    case stream(to: NodeID, atLeast: LogIndex, term: Term)
    case frame(SnapshotFrame, from: NodeID)
    /// The connection to a member broke: what was on its way is lost.
    case linkReset(NodeID)
    /// A file that arrived is not wanted.
    case discard(String)
}

/// The snapshot connections, as the courier needs them.
package protocol SnapshotLink: Sendable {
    /// False when the connection is down or its queue is full: try again soon.
    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool
}

/// The snapshot thread: exports to a local file, streams it, receives and verifies one.
///
/// The view on the store is held for the local copy only; every receiver is fed from the file.
final class SnapshotCourier {
    private struct Outgoing {
        let member: NodeID
        let point: SnapshotPoint
        let term: Term
        let bytes: UInt64
        /// Sent through here.
        var offset: UInt64 = 0
        /// Written by the receiver through here.
        var taken: UInt64 = 0
        var hasBegun = false
        var lastProgress = ContinuousClock.now

        /// All of it is with the receiver, who has to verify it.
        var isComplete: Bool { hasBegun && taken >= bytes }

        func isStalled(_ now: ContinuousClock.Instant) -> Bool {
            let patience =
                isComplete ? Limits.snapshotVerdictSeconds : Limits.snapshotSilenceSeconds
            return now - lastProgress > .seconds(patience)
        }
    }

    private struct Incoming: ~Copyable {
        let from: NodeID
        let term: Term
        let point: SnapshotPoint
        let bytes: UInt64
        var offset: UInt64
        /// Written out through here.
        var settled: UInt64 = 0
        let file: ChunkFile
    }

    private let store: LocalStore
    private let mailbox: Mailbox<CourierJob>
    private let core: Mailbox<CoreInput>
    private let folder: SnapshotFolder
    private let link: any SnapshotLink
    private let status: StatusBoard
    private let digest: DigestFunction
    private let logger: Logger
    private var outgoing: [Outgoing] = []
    private var incoming: Incoming?
    private var exported: SnapshotPoint?
    private var exportedBytes: UInt64 = 0
    private var arrivals: UInt64 = 0
    private var pacer: StreamPacer
    /// Ends of streams that the core hears of after a pause: it asks again at once.
    private var failures: [(report: CoreInput, due: ContinuousClock.Instant)] = []

    init(
        store: LocalStore,
        mailbox: Mailbox<CourierJob>,
        core: Mailbox<CoreInput>,
        folder: SnapshotFolder,
        link: any SnapshotLink,
        status: StatusBoard,
        digest: @escaping DigestFunction,
        logger: Logger
    ) {
        self.store = store
        self.mailbox = mailbox
        self.core = core
        self.folder = folder
        self.link = link
        self.status = status
        self.digest = digest
        self.logger = logger
        pacer = StreamPacer(.now, status.commits)
    }

    /// Runs until the mailbox is closed.
    func run() {
        attempt { () throws(StoreError) in try folder.removeAll() }
        while let jobs = mailbox.take(most: 64, until: nextDeadline) {
            for job in jobs {
                attempt { () throws(StoreError) in try perform(job) }
            }
            pump()
            store.releaseRetired()
        }
    }

    /// While something is being sent: soon, because connections have room again.
    private var nextDeadline: DispatchTime {
        .now() + .milliseconds(!outgoing.isEmpty ? 5 : failures.isEmpty ? 1_000 : 100)
    }

    /// A snapshot that fails is sent again; only somebody should know why.
    private func attempt(_ body: () throws(StoreError) -> Void) {
        do throws(StoreError) {
            try body()
        } catch {
            logger.error("snapshot: \(error.summary)", metadata: ["remedy": "\(error.remedy)"])
        }
    }

    private func perform(_ job: CourierJob) throws(StoreError) {
        switch job {
        case .stream(let member, let index, let term):
            do throws(StoreError) {
                try begin(member, atLeast: index, term: term)
            } catch {
                failed(.streamEnded(to: member, nil, term: term, isDelivered: false))
                throw error
            }
        case .frame(.begin(let term, let point, let bytes), let from):
            try receiveBegin(term, point, bytes, from)
        case .frame(.chunk(let offset, let bytes), let from):
            try receiveChunk(offset, bytes, from)
        case .frame(.received(let index, let isWhole), let from):
            finish(from, index, isDelivered: isWhole)
        case .frame(.taken(let index, let offset), let from): taken(from, index, offset)
        case .linkReset(let member): end { $0.member == member }
        case .discard(let file):
            store.discardPrepared(from: file)
            try ChunkFile.remove(file)
        }
    }

    // MARK: Sending

    /// Whether this node still leads the term for which a stream was asked. If not, nobody waits
    /// for the stream's end, and a new leader must not be contradicted by an old one's snapshot.
    private func leads(_ term: Term) -> Bool {
        let current = status.current
        return current.role == .leader && current.term == term
    }

    private func begin(
        _ member: NodeID,
        atLeast index: LogIndex,
        term: Term
    ) throws(StoreError) {
        guard leads(term) else { return }
        // The core asks again only when it has given up the stream before.
        outgoing.removeAll { $0.member == member }
        if outgoing.isEmpty || (exported?.index ?? .zero) < index {
            try export(atLeast: index)
        }
        guard let exported else { return }
        core.post(.streaming(to: member, exported, term: term))
        outgoing.append(
            Outgoing(member: member, point: exported, term: term, bytes: exportedBytes)
        )
        logger.info(
            "snapshot: sending",
            metadata: [
                "to": "\(member.number)", "index": "\(exported.index.number)",
                "bytes": "\(exportedBytes)",
            ]
        )
    }

    private func export(atLeast index: LogIndex) throws(StoreError) {
        // Applying trails evaluation by milliseconds; the log may already begin after `index`.
        for _ in 0..<2_000 where status.appliedIndex < index {
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(5))
        }
        // Receivers of an older file read a file that is gone: they begin again.
        end { _ in true }
        exported = nil
        let manifest = try store.exportSnapshot(to: folder.exportedPath)
        let configuration: Configuration
        do throws(WireError) {
            configuration = try Configuration(decoding: manifest.configuration)
        } catch {
            throw .corrupt("configuration in the snapshot: \(error.summary)")
        }
        exportedBytes = try ChunkFile(reading: folder.exportedPath).size()
        exported = SnapshotPoint(
            index: LogIndex(number: manifest.index),
            term: Term(number: manifest.term),
            configuration: configuration
        )
    }

    /// Feeds every stream as far as its connection and its receiver take it.
    private func pump() {
        let now = ContinuousClock.now
        while let first = failures.first, first.due <= now {
            core.post(first.report)
            failures.removeFirst()
        }
        outgoing.removeAll { !leads($0.term) }
        pacer.refill(now, status.commits, isStreaming: !outgoing.isEmpty)
        guard !outgoing.isEmpty else { return }
        // Each is the first in turn: what may leave is little, and the first could take it all.
        outgoing.append(outgoing.removeFirst())
        var failed: [NodeID] = []
        for position in outgoing.indices {
            do throws(StoreError) {
                try feed(&outgoing[position], now)
            } catch {
                logger.error("snapshot: \(error.summary)")
                failed.append(outgoing[position].member)
            }
        }
        end { $0.isStalled(now) || failed.contains($0.member) }
    }

    private func feed(_ stream: inout Outgoing, _ now: ContinuousClock.Instant) throws(StoreError) {
        if !stream.hasBegun {
            let begin = SnapshotFrame.begin(
                term: stream.term,
                point: stream.point,
                bytes: stream.bytes
            )
            guard link.sendSnapshot(begin, to: stream.member) else { return }
            stream.hasBegun = true
            stream.lastProgress = now
        }
        let window = stream.taken + UInt64(Limits.snapshotWindowBytes)
        guard stream.offset < min(stream.bytes, window) else { return }
        let file = try ChunkFile(reading: folder.exportedPath)
        while stream.offset < min(stream.bytes, window), pacer.allowance > 0 {
            let bytes = try file.read(at: stream.offset, atMost: Limits.snapshotChunkBytes)
            guard !bytes.isEmpty else { throw .corrupt("the exported snapshot became shorter") }
            let chunk = SnapshotFrame.chunk(offset: stream.offset, bytes: bytes)
            guard link.sendSnapshot(chunk, to: stream.member) else { return }
            file.forget(stream.offset, UInt64(bytes.count))
            pacer.spend(bytes.count)
            stream.offset += UInt64(bytes.count)
        }
    }

    /// The receiver has written more of the file.
    private func taken(_ member: NodeID, _ index: LogIndex, _ offset: UInt64) {
        guard
            let position = outgoing.firstIndex(where: {
                $0.member == member && $0.point.index == index
            }), offset > outgoing[position].taken, offset <= outgoing[position].offset
        else { return }
        outgoing[position].taken = offset
        outgoing[position].lastProgress = .now
    }

    private func finish(_ member: NodeID, _ index: LogIndex, isDelivered: Bool) {
        guard
            let position = outgoing.firstIndex(where: {
                $0.member == member && $0.point.index == index
            })
        else { return }
        let stream = outgoing.remove(at: position)
        if isDelivered {
            core.post(end(of: stream, isDelivered: true))
        } else {
            failed(end(of: stream, isDelivered: false))
        }
    }

    /// Gives up streams and says so: the core asks again if it still has to.
    private func end(where isOver: (Outgoing) -> Bool) {
        let ended = outgoing.filter(isOver)
        outgoing.removeAll(where: isOver)
        for stream in ended { failed(end(of: stream, isDelivered: false)) }
    }

    /// Whatever failed, a full disk for example, is likely to fail again at once.
    private func failed(_ report: CoreInput) {
        failures.append((report, .now + .milliseconds(Limits.snapshotRetryMilliseconds)))
    }

    private func end(of stream: Outgoing, isDelivered: Bool) -> CoreInput {
        .streamEnded(
            to: stream.member,
            stream.point,
            term: stream.term,
            isDelivered: isDelivered
        )
    }

    // MARK: Receiving

    private func receiveBegin(
        _ term: Term,
        _ point: SnapshotPoint,
        _ bytes: UInt64,
        _ from: NodeID
    ) throws(StoreError) {
        // A deposed leader may stream on for a while: the newer leader's stream is the one to take.
        let isOld = term < max(status.current.term, incoming?.term ?? .zero)
        guard !isOld, point.index > status.current.committed else {
            _ = link.sendSnapshot(.received(index: point.index, isWhole: false), to: from)
            return
        }
        incoming = nil
        let file = try ChunkFile(creating: folder.arrivingPath)
        incoming = Incoming(
            from: from,
            term: term,
            point: point,
            bytes: bytes,
            offset: 0,
            file: file
        )
        logger.info(
            "snapshot: receiving",
            metadata: [
                "from": "\(from.number)", "index": "\(point.index.number)", "bytes": "\(bytes)",
            ]
        )
    }

    private func receiveChunk(
        _ offset: UInt64,
        _ bytes: [UInt8],
        _ from: NodeID
    ) throws(StoreError) {
        guard incoming?.from == from else { return }
        guard incoming?.offset == offset,
            UInt64(bytes.count) <= (incoming?.bytes ?? 0) - offset
        else {
            // A chunk was lost: this stream is over, the sender begins again.
            let index = incoming?.point.index ?? .zero
            incoming = nil
            _ = link.sendSnapshot(.received(index: index, isWhole: false), to: from)
            return
        }
        try incoming?.file.write(bytes, at: offset)
        incoming?.offset += UInt64(bytes.count)
        try settleIncoming()
        guard let point = incoming?.point, let offset = incoming?.offset else { return }
        _ = link.sendSnapshot(.taken(index: point.index, offset: offset), to: from)
        guard offset == incoming?.bytes else { return }
        try finishReceiving()
    }

    /// Few bytes wait for the disk at any time, so that no sync of the log finds many.
    private func settleIncoming() throws(StoreError) {
        let (offset, settled) = (incoming?.offset ?? 0, incoming?.settled ?? 0)
        guard offset - settled >= Limits.snapshotUnwrittenBytesMax else { return }
        try incoming?.file.settle()
        incoming?.file.forget(settled, offset - settled)
        incoming?.settled = offset
    }

    private func finishReceiving() throws(StoreError) {
        guard let whole = incoming.take() else { return }
        arrivals += 1
        let file = folder.arrivedPath(arrivals)
        do throws(StoreError) {
            try ChunkFile.rename(folder.arrivingPath, to: file)
            // Verified on the way into a database beside the live one, while this node goes on.
            let manifest = try prepare(file)
            guard manifest.index == whole.point.index.number,
                manifest.term == whole.point.term.number,
                manifest.configuration == whole.point.configuration.encoded()
            else { throw .corrupt("the snapshot is not the one that was announced") }
        } catch {
            store.discardPrepared(from: file)
            _ = try? ChunkFile.remove(file)
            _ = link.sendSnapshot(
                .received(index: whole.point.index, isWhole: false),
                to: whole.from
            )
            throw error
        }
        core.post(.arrived(whole.point, from: whole.from, term: whole.term, file: file))
        _ = link.sendSnapshot(.received(index: whole.point.index, isWhole: true), to: whole.from)
    }

    /// Half the time the disk is left to the log.
    private func prepare(_ file: String) throws(StoreError) -> SnapshotManifest {
        var begun = ContinuousClock.now
        return try store.prepareSnapshot(from: file) {
            let (seconds, attoseconds) = (ContinuousClock.now - begun).components
            let taken = Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
            let rest = min(taken, Limits.snapshotPauseMillisecondsMax)
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(rest))
            begun = .now
        }
    }
}
