import Replica
import Transport

/// Whether the cluster has gone on without this node: its members were all replaced while it was
/// away, or it was removed.
///
/// Members know each other by their keys and trust nobody else, so such a node can learn nothing
/// more: who calls it has a key that it does not know, and whom it knows does not answer, or
/// refuses its key. It cannot tell that from an attack, so nothing follows but a word to its
/// operator. Decision `0015-left-behind`.
struct Estrangement: Sendable {
    /// With no member in touch for so long.
    private let patience: Duration
    /// Not more often than this.
    private let pause: Duration
    private var since: Moment?
    private var lastReport: Moment?
    private var lastSign: Moment?

    init(
        patience: Duration = .seconds(Limits.estrangedSeconds),
        pause: Duration = .seconds(Limits.estrangedReportSeconds)
    ) {
        self.patience = patience
        self.pause = pause
    }

    /// A key was unknown, here or there.
    ///
    /// - Parameter isInTouch: whether a connection with any member is up.
    /// - Returns: whether the operator is to be told now.
    mutating func seen(at now: Moment, isInTouch: Bool) -> Bool {
        defer { lastSign = now }
        guard !isInTouch else {
            since = nil
            return false
        }
        // Signs come several times a second from members that dial; old ones say nothing of today.
        if let lastSign, now - lastSign > patience { since = nil }
        let began = since ?? now
        since = began
        guard now - began >= patience, lastReport.map({ now - $0 >= pause }) ?? true else {
            return false
        }
        lastReport = now
        return true
    }

    /// What happened, and what to type.
    ///
    /// - Parameters:
    ///   - node: the operator's name for this node.
    ///   - data: its data folder.
    static func text(
        _ key: UnknownKey,
        node: String,
        data: String
    ) -> (summary: String, remedy: String) {
        let what =
            switch key {
            case .caller:
                "nodes with keys that it does not know call it, and no member that it knows can "
                    + "be reached: the members may all have been replaced while it was away"
            case .own:
                "members that it knows do not know its key, and no other can be reached: it may "
                    + "have been removed while it was away"
            }
        return (
            "node \(node) has no way back to its cluster: \(what)",
            """
            if members that it knows are only down, start them. If they were replaced, or this \
            node was removed, it trusts nobody any more and joins anew, under a new key:
              on a member, if it lists \(node):  holdfast cluster remove \(node)
              on a member:  holdfast cluster join-token
              here, with the node stopped:  mv \(data) \(data).old
              here, in its settings: a [join] table in the place of the [[member]] tables
              here:  holdfast cluster join --config FILE, with the token
              here:  holdfast server --config FILE, then unseal it
            """
        )
    }
}
