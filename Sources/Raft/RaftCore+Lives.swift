// Which life of a peer speaks, and whether that one is listened to.

import Wire

extension RaftCore {
    /// A message of another epoch speaks of another history: after a disaster recovery its terms
    /// and indexes mean other entries. An earlier epoch is a member that was left behind, and
    /// falls silent by itself; a later one means that this node was.
    func isOfThisEpoch(
        _ message: Message,
        from peer: NodeID,
        into effects: inout [Effect]
    ) -> Bool {
        if message.epoch > life.epoch {
            effects.append(.raise(.laterEpoch(peer, epoch: message.epoch)))
        }
        return message.epoch == life.epoch || planted("forgetsEpoch")
    }

    /// A peer whose boots go backwards is not listened to: its disk may be an old image, and it
    /// may have forgotten votes and entries that others count on.
    ///
    /// A message of an earlier boot can also be a straggler, so the alarm waits until such
    /// messages have kept coming for ``RaftSettings/bootDoubtTicks`` and none of the newest boot.
    ///
    /// - Source: design section 3, "peers remember the highest boot".
    mutating func isOfNewestBoot(
        _ message: Message,
        from peer: NodeID,
        isHearsay: Bool,
        into effects: inout [Effect]
    ) -> Bool {
        // Under another incarnation than the admitted one, nothing it says is counted anyway,
        // and its boots are counted on another disk.
        guard let member = configuration.member(peer),
            member.incarnation == message.incarnation
        else { return true }
        if isHearsay { return isOfNewestToldBoot(message, of: peer) }
        guard var known = peerLives[peer], known.incarnation == message.incarnation else {
            let life = PeerLife(id: peer, incarnation: message.incarnation, boot: message.boot)
            peerLives.record(life)
            return true
        }
        guard message.boot < known.boot else {
            known.boot = message.boot
            known.regressedTick = nil
            known.isReported = false
            peerLives.record(known)
            return true
        }
        let since = known.regressedTick ?? ticks
        known.regressedTick = since
        if !known.isReported, ticks - since >= UInt64(settings.bootDoubtTicks) {
            known.isReported = true
            effects.append(.raise(.bootWentBack(peer, from: known.boot, to: message.boot)))
        }
        peerLives.record(known)
        return false
    }

    /// The same for what a relay brought. It is held to what was heard, from the node itself and
    /// through relays, but what a relay says of a boot is never held against the node itself: so
    /// a relay that lies can silence nothing but what is relayed.
    private mutating func isOfNewestToldBoot(_ message: Message, of peer: NodeID) -> Bool {
        let known = peerLives[peer].flatMap { $0.incarnation == message.incarnation ? $0 : nil }
        let told = contacts[peer].toldLife.flatMap { life in
            life.incarnation == message.incarnation ? life : nil
        }
        guard message.boot >= max(known?.boot ?? 0, told?.boot ?? 0) else { return false }
        contacts.update(peer) { $0.toldLife = (message.incarnation, message.boot) }
        return true
    }

    /// Whether a disk that speaks under this incarnation is the member's as it was admitted, and
    /// has not been caught forgetting since.
    func isTrusted(slot: Int, incarnation: UInt64?) -> Bool {
        let member = configuration.members[slot]
        guard member.incarnation == incarnation else { return false }
        guard let known = peerLives[member.id], known.incarnation == incarnation else {
            return true
        }
        return !known.hasForgotten
    }

    /// Leader: a member rejects what it acknowledged to this leader: its disk was put back to an
    /// older image after that. From now on it is fed, but it counts for nothing here and its votes
    /// for this node neither, until it is admitted again under another incarnation.
    ///
    /// In a later start one rejection is proof: nobody but this leader could have told it to drop
    /// anything in this term, and an answer of the start before is no answer of this one. In the
    /// same start it can be a straggler from before the acknowledgement. But an image from before
    /// that start counts up to the same number again, so a second rejection
    /// ``RaftSettings/bootDoubtTicks`` later, with no word in between that it has it, is proof too.
    ///
    /// - Source: design section 3, "peers remember the highest (boot, acknowledged position)"; the
    ///   second rule found by a seed, where such a member was neither fed nor missed, for ever.
    mutating func isCaughtForgetting(
        _ previous: LogIndex,
        hint: LogIndex,
        by slot: Int,
        into effects: inout [Effect]
    ) -> Bool {
        guard let follower = leadership?.followers[slot], answering?.relay == nil,
            previous <= follower.match, counts(slot), let incarnation = follower.incarnation
        else { return false }
        if follower.boot <= follower.matchBoot {
            let since = follower.deniedTick ?? ticks
            leadership?.followers[slot].deniedTick = since
            guard ticks - since >= UInt64(settings.bootDoubtTicks) else { return false }
        }
        let peer = configuration.members[slot].id
        var known =
            peerLives[peer] ?? PeerLife(id: peer, incarnation: incarnation, boot: follower.boot)
        known.hasForgotten = true
        peerLives.record(known)
        effects.append(.raise(.acknowledgedLess(peer, from: follower.match, to: hint)))
        var fresh = Follower(next: min(previous, hint.next), heardTick: ticks)
        fresh.incarnation = incarnation
        fresh.boot = follower.boot
        leadership?.followers[slot] = fresh
        return true
    }
}
