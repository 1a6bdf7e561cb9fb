import Raft
import Replica
import Store

/// A change of members on its way through one leader.
struct MemberChange {
    let serial: UInt64
    /// The process that was asked.
    let process: Int
    /// The configuration that it makes.
    let next: Configuration
    /// The incarnation of the node that it admits, if it admits one.
    let admitted: UInt64?
    /// What follows once it is committed.
    let rest: [MembershipChange]
}

enum MemberEvent {
    /// The autopilots of all leaders look around.
    case look
    /// Whether the joint configuration that a change led to is left.
    case settle(change: UInt64, patience: Int)
    /// An operator deals with a node whose disk is an old image.
    case readmit(node: Int)
}

/// Whoever changes who takes part: operators, and each leader's autopilot.
struct Operators {
    private(set) var open: [MemberChange] = []
    private var nextSerial: UInt64 = 1

    /// Changes that were ever begun.
    var begun: UInt64 { nextSerial - 1 }

    mutating func begin(_ make: (UInt64) -> MemberChange) -> UInt64 {
        defer { nextSerial += 1 }
        open.append(make(nextSerial))
        return nextSerial
    }

    func change(_ serial: UInt64) -> MemberChange? { open.first { $0.serial == serial } }

    mutating func end(_ serial: UInt64) { open.removeAll { $0.serial == serial } }

    /// One change at a time is asked of a process; production's autopilot waits as well.
    func isBusy(_ process: Int) -> Bool { open.contains { $0.process == process } }
}

/// What a node's disk was before it was lost, for the checkers: what was promised on it counts
/// until the members go by another one.
struct FormerDisk {
    let incarnation: UInt64
    let tables: DiskTables
}

extension DiskTables {
    /// Whether the entry of `term` at `index` is there, or was before the log began.
    func holds(_ index: UInt64, of term: UInt64) -> Bool {
        index <= point.base.index || self.term(at: index) == term
    }
}

extension Configuration {
    /// The ids of each half that decides: the voters, and while joint the ones before them.
    var halves: [[NodeID]] {
        [voters.map(\.id), outgoingVoters].filter { !$0.isEmpty }
    }

    /// Whether more than half of each half has this property, reckoned without the code of the
    /// product.
    func isBacked(by property: (Member) -> Bool) -> Bool {
        halves.allSatisfy { half in
            let backing = half.count { id in member(id).map(property) ?? false }
            return 2 * backing > half.count
        }
    }

    static func newMember(_ number: UInt64) -> MemberDetails {
        MemberDetails(
            name: "n\(number)",
            region: "r\(number % 3)",
            zone: "z",
            peerAddress: "n\(number):1",
            apiAddress: "n\(number):2",
            pin: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32)
        )
    }
}
