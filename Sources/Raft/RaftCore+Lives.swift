// Which life of a peer speaks, and whether that one is listened to.

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
        return message.epoch == life.epoch
    }

    /// Leader: a member rejects what it has acknowledged to this leader, so its disk is not the one
    /// that it was: an old image of the same boot, or one that has lost its end.
    ///
    /// A rejection can also be a straggler from before it acknowledged, so it takes a second one
    /// ``RaftSettings/bootDoubtTicks`` later, and no word in between that it has it after all.
    ///
    /// - Source: design section 3, "the highest (boot, acknowledged position)"; found by a seed,
    ///   where such a member was neither fed nor missed, for ever.
    mutating func noteDenial(of index: LogIndex, by slot: Int, into effects: inout [Effect]) {
        guard let follower = leadership?.followers[slot], index <= follower.match else { return }
        let since = follower.deniedTick ?? ticks
        leadership?.followers[slot].deniedTick = since
        guard !follower.hasForgotten, ticks - since >= UInt64(settings.bootDoubtTicks) else {
            return
        }
        leadership?.followers[slot].hasForgotten = true
        let peer = configuration.members[slot].id
        effects.append(.raise(.acknowledgedAndLost(peer, through: follower.match)))
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
        contacts[peer].toldLife = (message.incarnation, message.boot)
        return true
    }
}
