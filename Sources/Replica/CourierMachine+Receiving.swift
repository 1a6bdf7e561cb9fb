import Raft
import Store

extension CourierMachine {
    // MARK: Receiving

    func receiveBegin(
        _ term: Term,
        _ offer: SnapshotOffer,
        _ from: NodeID
    ) throws(StoreError) {
        let standing = ports.standing
        // A deposed leader may stream on for a while: the newer leader's stream is the one to take.
        let isOld = term < max(standing.term, incoming?.term ?? .zero)
        guard !isOld, offer.point.index > standing.committed, now >= refusesUntil else {
            return say(.received(index: offer.point.index, .refused), to: from)
        }
        incoming = nil
        if shelf.arriving != offer {
            do throws(StoreError) {
                try shelf.beginArriving(offer)
            } catch {
                return try giveUp(offer, from, error)
            }
        }
        arrivingUsed = now
        incoming = IncomingStream(from: from, term: term)
        let have = shelf.arrivingBytes
        counters.sparedBytes += have
        note(.receiving(from: from, offer, have: have))
        say(.resume(index: offer.point.index, offset: have), to: from)
        if have == offer.bytes { try finishReceiving() }
    }

    func receiveChunk(
        _ offset: UInt64,
        _ bytes: [UInt8],
        _ checksum: UInt32,
        _ from: NodeID
    ) throws(StoreError) {
        guard let stream = incoming, stream.from == from, let offer = shelf.arriving else { return }
        guard SnapshotFrame.checksum(of: bytes, at: offset) == checksum else {
            return try throwAway(offer, from, "a chunk fails its checksum")
        }
        let have = shelf.arrivingBytes
        guard offset == have else {
            // A chunk was lost; the sender is told once, and what it sent since is passed over.
            if !stream.isRewinding {
                incoming?.isRewinding = true
                say(.resume(index: offer.point.index, offset: have), to: from)
            }
            return
        }
        guard UInt64(bytes.count) <= offer.bytes - have else {
            return try throwAway(offer, from, "it is longer than announced")
        }
        do throws(StoreError) {
            try shelf.appendArriving(bytes)
        } catch {
            return try giveUp(offer, from, error)
        }
        incoming?.isRewinding = false
        arrivingUsed = now
        counters.receivedBytes += UInt64(bytes.count)
        say(.taken(index: offer.point.index, offset: shelf.arrivingBytes), to: from)
        if shelf.arrivingBytes == offer.bytes { try finishReceiving() }
    }

    private func finishReceiving() throws(StoreError) {
        guard let stream = incoming, let offer = shelf.arriving else { return }
        var steps = 0
        let file: String
        do throws(StoreError) {
            file = try shelf.prepareArriving {
                // Verifying takes a while: the sender hears that it goes on.
                steps += 1
                guard steps % Limits.snapshotStepsPerWord == 0 else { return }
                _ = ports.sendSnapshot(
                    .taken(index: offer.point.index, offset: offer.bytes),
                    to: stream.from
                )
            }
        } catch .damagedSnapshot(let reason) {
            return try throwAway(offer, stream.from, reason)
        } catch .corrupt(let reason) {
            return try throwAway(offer, stream.from, reason)
        } catch {
            return try giveUp(offer, stream.from, error)
        }
        incoming = nil
        counters.arrived += 1
        note(.arrived(offer))
        ports.tellCore(.arrived(offer.point, from: stream.from, term: stream.term, file: file))
        say(.received(index: offer.point.index, .whole), to: stream.from)
    }

    /// The connection took along what was on it; what is here stays for the next stream.
    func incomingLinkReset(_ member: NodeID) throws(StoreError) {
        guard incoming?.from == member else { return }
        incoming = nil
        try shelf.settleArriving()
    }

    /// Bytes are not what they should be, and nobody knows which: all of them go.
    private func throwAway(
        _ offer: SnapshotOffer,
        _ from: NodeID,
        _ reason: String
    ) throws(StoreError) {
        counters.damaged += 1
        note(.damaged(offer, reason))
        incoming = nil
        say(.received(index: offer.point.index, .damaged), to: from)
        try shelf.dropArriving()
    }

    /// This node's disk did not take it. What it has taken stays if only room was missing.
    private func giveUp(
        _ offer: SnapshotOffer,
        _ from: NodeID,
        _ error: StoreError
    ) throws(StoreError) {
        incoming = nil
        refusesUntil = now + .seconds(Limits.snapshotNoRoomSeconds)
        say(.received(index: offer.point.index, .refused), to: from)
        if error != .full { try shelf.dropArriving() }
        throw error
    }
}
