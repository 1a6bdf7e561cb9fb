/// The ways to one other member, as far as this process knows them.
struct Contact: Sendable {
    let id: NodeID
    /// When it was last heard on its own connection.
    var directTick: UInt64?
    /// Through whom it was last heard otherwise, and when.
    var relay: (peer: NodeID, tick: UInt64)?
    /// The newest boot that a relay told of, and the incarnation it was under.
    var toldLife: (incarnation: UInt64, boot: UInt64)?
    /// Tries to reach it through others since it was last heard.
    var tries = 0
    /// No try before.
    var nextTryTick: UInt64 = 0
}

/// One ``Contact`` for each member that was heard, ascending by id.
struct Contacts: Sendable {
    private var contacts: [Contact] = []

    /// What is known; nothing at first.
    subscript(id: NodeID) -> Contact {
        let position = position(of: id)
        let isKnown = position < contacts.count && contacts[position].id == id
        return isKnown ? contacts[position] : Contact(id: id)
    }

    /// Changes what is known of one, where it lies: each message that comes in is noted here.
    mutating func update(_ id: NodeID, _ change: (inout Contact) -> Void) {
        let position = position(of: id)
        if position == contacts.count || contacts[position].id != id {
            contacts.insert(Contact(id: id), at: position)
        }
        change(&contacts[position])
    }

    /// Forgets who is no member any more.
    mutating func keep(_ members: [NodeID]) {
        contacts.removeAll { !members.contains($0.id) }
    }

    /// The connection to `peer` broke: whatever went through it needs another way.
    mutating func forgetWays(through peer: NodeID) {
        for position in contacts.indices where contacts[position].relay?.peer == peer {
            contacts[position].relay = nil
        }
    }

    private func position(of id: NodeID) -> Int {
        contacts.firstIndex { $0.id >= id } ?? contacts.count
    }
}

/// What a node may still pass on for others. It fills up as ticks pass; what does not fit is
/// dropped, and its origin finds out as it would with any lost message.
struct RelayBudget: Sendable {
    private let perTick: Int
    private let most: Int
    private(set) var bytesLeft: Int

    init(_ settings: RaftSettings) {
        perTick = settings.relayBytesPerTick
        most = settings.relayBurstBytesMax
        bytesLeft = most
    }

    mutating func tick() {
        bytesLeft = min(most, bytesLeft + perTick)
    }

    /// - Returns: false when there is not enough. Entries leave an eighth of the burst to
    ///   heartbeats and votes, so that a busy leader does not silence everyone else.
    mutating func take(_ relayed: Relayed) -> Bool {
        let reserve = relayed.message.channel == .data ? most / 8 : 0
        guard relayed.bytes + reserve <= bytesLeft else { return false }
        bytesLeft -= relayed.bytes
        return true
    }
}
