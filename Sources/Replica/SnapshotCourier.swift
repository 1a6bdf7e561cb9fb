import Dispatch
import Logging
package import Raft
import Store
import Wire

/// Work for the snapshot thread.
package enum CourierJob: Sendable {
    case stream(to: NodeID, atLeast: LogIndex)
    case frame(SnapshotFrame, from: NodeID)
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
        var offset: UInt64 = 0
        var hasBegun = false
        var lastProgress = ContinuousClock.now
    }

    private struct Incoming: ~Copyable {
        let from: NodeID
        let term: Term
        let point: SnapshotPoint
        let bytes: UInt64
        var offset: UInt64
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

    init(
        store: LocalStore, mailbox: Mailbox<CourierJob>, core: Mailbox<CoreInput>,
        folder: SnapshotFolder, link: any SnapshotLink, status: StatusBoard, digest: @escaping DigestFunction, logger: Logger
    ) {
        self.store = store
        self.mailbox = mailbox
        self.core = core
        self.folder = folder
        self.link = link
        self.status = status
        self.digest = digest
        self.logger = logger
    }

    /// Runs until the process ends.
    func run() {
        while true {
            let wait = outgoing.isEmpty ? 1_000 : 5
            let jobs = mailbox.take(most: 64, until: .now() + .milliseconds(wait))
            for job in jobs {
                do throws(StoreError) {
                    try perform(job)
                } catch {
                    logger.error(
                        "snapshot: \(error.summary)", metadata: ["remedy": "\(error.remedy)"])
                }
            }
            pump()
        }
    }

    private func perform(_ job: CourierJob) throws(StoreError) {
        switch job {
        case .stream(let member, let index): try begin(member, atLeast: index)
        case .frame(.begin(let term, let point, let bytes), let from):
            try receiveBegin(term, point, bytes, from)
        case .frame(.chunk(let offset, let bytes), let from):
            try receiveChunk(offset, bytes, from)
        case .frame(.received(let index, let isWhole), let from):
            finish(from, index, isDelivered: isWhole)
        }
    }

    // MARK: Sending

    private func begin(_ member: NodeID, atLeast index: LogIndex) throws(StoreError) {
        guard !outgoing.contains(where: { $0.member == member }) else { return }
        if outgoing.isEmpty || (exported?.index ?? .zero) < index {
            try export(atLeast: index)
        }
        guard let exported else { return }
        core.post(.streaming(to: member, exported))
        outgoing.append(
            Outgoing(
                member: member, point: exported, term: status.current.term, bytes: exportedBytes))
        logger.info(
            "snapshot: sending", metadata: [
                "to": "\(member.number)", "index": "\(exported.index.number)",
                "bytes": "\(exportedBytes)",
            ])
    }

    private func export(atLeast index: LogIndex) throws(StoreError) {
        // Applying trails evaluation by milliseconds; the log may already begin after `index`.
        for _ in 0..<2_000 where status.appliedIndex < index {
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(5))
        }
        // Receivers of an older file read a file that is gone: they begin again.
        for stream in outgoing { report(stream, isDelivered: false) }
        outgoing = []
        let manifest = try store.exportSnapshot(to: folder.exportedPath)
        let configuration: Configuration
        do throws(WireError) {
            configuration = try Configuration(decoding: manifest.configuration)
        } catch {
            throw .corrupt("configuration in the snapshot: \(error.summary)")
        }
        exported = SnapshotPoint(
            index: LogIndex(number: manifest.index), term: Term(number: manifest.term),
            configuration: configuration)
        exportedBytes = try ChunkFile(reading: folder.exportedPath).size()
    }

    /// Feeds every stream as far as its connection takes it.
    private func pump() {
        guard !outgoing.isEmpty else { return }
        let now = ContinuousClock.now
        var ended: [Int] = []
        for position in outgoing.indices {
            do throws(StoreError) {
                try feed(&outgoing[position], now)
            } catch {
                logger.error("snapshot: \(error.summary)")
                ended.append(position)
                continue
            }
            if now - outgoing[position].lastProgress > .seconds(20) { ended.append(position) }
        }
        for position in ended.reversed() {
            report(outgoing.remove(at: position), isDelivered: false)
        }
    }

    private func feed(_ stream: inout Outgoing, _ now: ContinuousClock.Instant) throws(StoreError) {
        if !stream.hasBegun {
            let begin = SnapshotFrame.begin(
                term: stream.term, point: stream.point, bytes: stream.bytes)
            guard link.sendSnapshot(begin, to: stream.member) else { return }
            stream.hasBegun = true
            stream.lastProgress = now
        }
        guard stream.offset < stream.bytes else { return }
        let file = try ChunkFile(reading: folder.exportedPath)
        while stream.offset < stream.bytes {
            let bytes = try file.read(at: stream.offset, atMost: Limits.snapshotChunkBytes)
            guard !bytes.isEmpty else { throw .corrupt("the exported snapshot became shorter") }
            let chunk = SnapshotFrame.chunk(offset: stream.offset, bytes: bytes)
            guard link.sendSnapshot(chunk, to: stream.member) else { return }
            stream.offset += UInt64(bytes.count)
            stream.lastProgress = now
        }
    }

    private func finish(_ member: NodeID, _ index: LogIndex, isDelivered: Bool) {
        guard
            let position = outgoing.firstIndex(where: {
                $0.member == member && $0.point.index == index
            })
        else { return }
        report(outgoing.remove(at: position), isDelivered: isDelivered)
    }

    private func report(_ stream: Outgoing, isDelivered: Bool) {
        core.post(
            .raft(
                .snapshotStreamed(
                    to: stream.member, point: stream.point, delivered: isDelivered)))
    }

    // MARK: Receiving

    private func receiveBegin(
        _ term: Term, _ point: SnapshotPoint, _ bytes: UInt64, _ from: NodeID
    ) throws(StoreError) {
        incoming = nil
        guard point.index > status.current.evaluated else {
            _ = link.sendSnapshot(.received(index: point.index, isWhole: false), to: from)
            return
        }
        let file = try ChunkFile(creating: folder.arrivingPath)
        incoming = Incoming(
            from: from, term: term, point: point, bytes: bytes, offset: 0, file: file)
        logger.info(
            "snapshot: receiving", metadata: [
                "from": "\(from.number)", "index": "\(point.index.number)", "bytes": "\(bytes)",
            ])
    }

    private func receiveChunk(
        _ offset: UInt64, _ bytes: [UInt8], _ from: NodeID
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
        try incoming?.file.append(bytes)
        incoming?.offset += UInt64(bytes.count)
        guard let total = incoming?.bytes, incoming?.offset == total else { return }
        try finishReceiving()
    }

    private func finishReceiving() throws(StoreError) {
        guard let whole = incoming.take() else { return }
        do throws(StoreError) {
            try whole.file.synchronize()
            let manifest = try LocalStore.verifySnapshot(at: folder.arrivingPath, digest: digest)
            guard manifest.index == whole.point.index.number,
                manifest.term == whole.point.term.number,
                manifest.configuration == whole.point.configuration.encoded()
            else { throw .corrupt("the snapshot is not the one that was announced") }
            try ChunkFile.rename(folder.arrivingPath, to: folder.arrivedPath(whole.point))
        } catch {
            _ = link.sendSnapshot(
                .received(index: whole.point.index, isWhole: false), to: whole.from)
            throw error
        }
        core.post(.raft(.snapshotArrived(whole.point, from: whole.from, term: whole.term)))
        _ = link.sendSnapshot(.received(index: whole.point.index, isWhole: true), to: whole.from)
    }
}
