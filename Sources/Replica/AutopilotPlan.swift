package import Raft

/// What the leader knows of one member, with how long it has been silent.
package struct MemberState: Equatable, Sendable {
    /// Which one.
    package let id: NodeID
    /// It is the leader that knows all this.
    package let isSelf: Bool
    /// The end of its log as far as the leader knows.
    package let match: LogIndex
    /// It spoke within the last election time-out.
    package let isRecentlyActive: Bool
    /// Its disk is the one that was admitted.
    package let isCounted: Bool
    /// What its disk says of itself, if it is another one than the admitted.
    package let foreignIncarnation: UInt64?
    /// How long it has not been heard, as far as this process has looked.
    package let quietMilliseconds: Int
    /// The highest format level that it knows; 0 until it said so.
    package let formatLevel: UInt64

    /// - Parameters: as the properties.
    package init(
        id: NodeID,
        isSelf: Bool,
        match: LogIndex,
        isRecentlyActive: Bool,
        isCounted: Bool,
        foreignIncarnation: UInt64?,
        quietMilliseconds: Int,
        formatLevel: UInt64
    ) {
        self.id = id
        self.isSelf = isSelf
        self.match = match
        self.isRecentlyActive = isRecentlyActive
        self.isCounted = isCounted
        self.foreignIncarnation = foreignIncarnation
        self.quietMilliseconds = quietMilliseconds
        self.formatLevel = formatLevel
    }

    /// - Parameter quiet: how long it has been silent, in milliseconds.
    init(_ known: RaftCore.MemberProgress, in configuration: Configuration, quiet: Int) {
        let configured = configuration.member(known.id)?.incarnation
        let spoken = known.incarnation.flatMap { $0 == NodeLife.forgotten ? nil : $0 }
        self.init(
            id: known.id,
            isSelf: known.progress == nil,
            match: known.match,
            isRecentlyActive: known.isRecentlyActive,
            isCounted: known.isCounted,
            foreignIncarnation: spoken == configured ? nil : spoken,
            quietMilliseconds: quiet,
            formatLevel: known.formatLevel
        )
    }
}

/// How long each member has been silent, as this process has seen it while it led.
package struct Silence: Sendable {
    private var heard: [NodeID: Moment] = [:]
    private var term = Term.zero

    /// Nobody was heard of yet.
    package init() {}

    /// What the leader of `term` knows at `now`; a new term begins anew, with everyone heard.
    package mutating func states(
        of members: [RaftCore.MemberProgress],
        in configuration: Configuration,
        term: Term,
        now: Moment
    ) -> [MemberState] {
        if term != self.term {
            heard = [:]
            self.term = term
        }
        return members.map { member in
            if member.isRecentlyActive || heard[member.id] == nil { heard[member.id] = now }
            let last = heard[member.id] ?? now
            let quiet = Int((now - last) / .milliseconds(1))
            return MemberState(member, in: configuration, quiet: quiet)
        }
    }
}

/// The next thing to do about the members, from what the leader knows. Pure.
package struct AutopilotPlan {
    private let configuration: Configuration
    private let members: [MemberState]

    /// - Parameters: the configuration in effect at the leader, and its members.
    package init(configuration: Configuration, members: [MemberState]) {
        self.configuration = configuration
        self.members = members
    }

    /// When members that have died are removed.
    package struct Removal {
        let quietMillisecondsMin: Int
        let votersMin: Int

        /// - Parameters:
        ///   - quietMillisecondsMin: silent for so long is dead.
        ///   - votersMin: so many voters stay, whoever dies.
        package init(quietMillisecondsMin: Int, votersMin: Int) {
            self.quietMillisecondsMin = quietMillisecondsMin
            self.votersMin = votersMin
        }
    }

    /// What is due.
    package enum Step: Equatable, Sendable {
        case promote(NodeID, name: String)
        case suspend(NodeID, name: String)
        case readmit(NodeID, incarnation: UInt64, name: String)
        case remove(NodeID, name: String)
        case raiseFormat(UInt64)

        /// What carries it out, each once the one before it is committed and no configuration is
        /// joint any more.
        package func changes(in configuration: Configuration) -> [MembershipChange] {
            switch self {
            case .promote(let id, _): [.voters(promote: [id], demote: [])]
            case .suspend(let id, _): [.suspend(id)]
            case .readmit(let id, let incarnation, _): [.readmit(id, incarnation: incarnation)]
            case .remove(let id, _) where configuration.member(id)?.role == .voter:
                [.voters(promote: [], demote: [id]), .remove(id)]
            case .remove(let id, _): [.remove(id)]
            case .raiseFormat(let level): [.raiseFormat(level)]
            }
        }

        /// For the log.
        package var text: String {
            switch self {
            case .promote(_, let name): "\(name) has caught up and becomes a voter"
            case .suspend(_, let name): "\(name) has a new disk and is a learner until it has all"
            case .readmit(_, _, let name): "\(name) is taken back with its new disk"
            case .remove(_, let name): "\(name) has been silent for too long and is removed"
            case .raiseFormat(let level):
                "all members know format level \(level), which is used now"
            }
        }
    }

    /// The next step, if any is due.
    ///
    /// - Parameter removal: nil where the dead stay members.
    package func next(removing removal: Removal?) -> Step? {
        guard !configuration.isJoint else { return nil }
        return rebuilt ?? promotion ?? newFormat ?? removal.flatMap { self.removal($0) }
    }

    /// A member whose database was lost and made anew: first no voter any more, then known by its
    /// new number. From there on it is promoted like any learner.
    private var rebuilt: Step? {
        for state in members where !state.isSelf && state.isRecentlyActive {
            guard let incarnation = state.foreignIncarnation,
                let member = configuration.member(state.id)
            else { continue }
            return member.role == .voter
                ? .suspend(member.id, name: member.name)
                : .readmit(member.id, incarnation: incarnation, name: member.name)
        }
        return nil
    }

    private var promotion: Step? {
        guard let last = members.first(where: \.isSelf)?.match,
            configuration.voters.count < Raft.Limits.votersMax
        else { return nil }
        for member in configuration.members where member.awaitsPromotion {
            guard let state = state(of: member.id), state.isRecentlyActive, state.isCounted,
                last.number <= state.match.number + Raft.Limits.promotionLagMax
            else { continue }
            return .promote(member.id, name: member.name)
        }
        return nil
    }

    /// What every member knows, silent ones by what they said last: from then on it is used, and no
    /// member can go back to a version without it.
    private var newFormat: Step? {
        let levels = configuration.members.map { state(of: $0.id)?.formatLevel ?? 0 }
        guard let common = levels.min(), common > configuration.formatLevel,
            configuration.members.allSatisfy({ state(of: $0.id)?.isCounted == true })
        else { return nil }
        return .raiseFormat(common)
    }

    /// The dead one to remove: never a voter without whom fewer than `votersMin` are left, and
    /// only while a majority of those that stay is alive.
    private func removal(_ rules: Removal) -> Step? {
        let dead = members.filter {
            !$0.isSelf && $0.quietMilliseconds >= rules.quietMillisecondsMin
        }
        for state in dead {
            guard let member = configuration.member(state.id) else { continue }
            if member.role == .voter {
                let rest = configuration.voters.filter { $0.id != member.id }
                let alive = rest.count { self.state(of: $0.id)?.isRecentlyActive == true }
                guard rest.count >= rules.votersMin, alive > rest.count / 2 else { continue }
            }
            return .remove(member.id, name: member.name)
        }
        return nil
    }

    private func state(of id: NodeID) -> MemberState? {
        members.first { $0.id == id }
    }
}
