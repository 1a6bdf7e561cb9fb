import API
import Barrier
import Cryptography
import Logging
import NIOCore
import Raft
import Replica
import Vault
import Wire

// Join tokens, admissions, and the one way in which a change of members gets into the log.

extension MembershipFlow {
    /// Makes a join token and answers with its secret, which is nowhere else.
    func offer(_ seconds: Int, _ context: Context, _ keyring: Keyring) {
        // There are few, so one at a time is enough.
        if let old = replica.configuration.tokenToDrop(now: now) {
            return change(.withdraw(token: old.id), order(context), keyring) { [self] in
                offer(seconds, context, keyring)
            }
        }
        let secret: JoinSecret
        do throws(CryptographyError) {
            secret = try JoinSecret.make()
        } catch {
            logger.critical(
                "the system gives no random bytes: \(error.summary)",
                metadata: context.metadata
            )
            return context.fail(.internalFailure)
        }
        let token = JoinToken(
            id: secret.tokenID,
            secretDigest: secret.digest,
            deadline: now + UInt64(seconds),
            pin: nil
        )
        change(.offer(token), order(context), keyring) {
            context.answer(
                ClusterReply.joinToken(
                    secret.text,
                    seconds: seconds,
                    requestID: context.request.requestID
                )
            )
        }
    }

    /// Admits a node that shows a valid token, as a learner.
    ///
    /// The entry that admits it binds the token to its key, so the token admits one node. When the
    /// answer is lost, that node asks again and is told the same, by whoever leads then, until the
    /// token ends or the node is removed.
    func admit(_ input: JoinInput, _ context: Context, _ keyring: Keyring) {
        guard let secret = JoinSecret(input.token) else {
            return context.answer(Reply.errors(400, ["the join token is not complete"]))
        }
        let configuration = replica.configuration
        let known = configuration.joinTokens.first { $0.id == secret.tokenID }
        guard let known, constantTimeEquals(known.secretDigest, secret.digest) else {
            return denied(context, "the join token is unknown, or who came by it was removed")
        }
        guard known.deadline >= now else { return denied(context, "the join token has ended") }
        guard input.formatLevel >= configuration.formatLevel else {
            let error = NodeError.newerFormat(
                level: configuration.formatLevel,
                known: input.formatLevel
            )
            return context.answer(Reply.errors(400, ["\(error.summary); \(error.remedy)"]))
        }
        if let pin = known.pin {
            guard pin == input.pin else {
                return denied(context, "the join token was used by another node")
            }
            // Its number may be another one by now. Then it speaks for a disk that was not
            // admitted, and is taken back as such a disk is.
            return welcome(input, context)
        }
        let details = MemberDetails(
            name: input.name,
            region: input.region,
            zone: input.zone,
            peerAddress: input.peerAddress,
            apiAddress: input.apiAddress,
            pin: input.pin
        )
        let addition = MembershipChange.add(
            details,
            incarnation: input.incarnation,
            token: known.id,
            awaitsPromotion: !input.isNonVoter
        )
        // The node may ask twice at once, and whoever comes second finds it admitted.
        let isAdmitted: @Sendable (Configuration) -> Bool = { configuration in
            configuration.joinTokens.contains { $0.id == known.id && $0.pin == input.pin }
        }
        change(addition, order(context), keyring, unless: isAdmitted) { [self] in
            var metadata = context.metadata
            metadata["peer"] = "\(input.peerAddress)"
            metadata["pin"] = "\(Hex.encode(input.pin))"
            logger.notice("\(input.name) was admitted as a learner", metadata: metadata)
            welcome(input, context)
        }
    }

    /// Tells the node whom it belongs to: the members as they are agreed on. What is in effect
    /// here may be a later change that is still taken back, and a node that begins with such a one
    /// could never follow the log. The status may be a moment behind what was committed.
    private func welcome(_ input: JoinInput, _ context: Context) {
        guard let configuration = replica.status.committedConfiguration,
            configuration.members.contains(where: { $0.pin == input.pin })
        else {
            guard Moment.now < context.deadline else {
                return context.fail(.outcomeUnknown)
            }
            return later(context.loop) { self.welcome(input, context) }
        }
        let admission = Admission(
            clusterID: identity.clusterID,
            epoch: identity.epoch,
            formatLevel: configuration.formatLevel,
            configuration: configuration
        )
        context.answer(
            ClusterReply.joined(admission.encoded(), requestID: context.request.requestID)
        )
    }

    private func denied(_ context: Context, _ text: String) {
        logger.warning("a node was not admitted: \(text)", metadata: context.metadata)
        context.answer(Reply.errors(403, [text]))
    }

    /// Cluster time in whole seconds since 1970.
    private var now: UInt64 { clock().nanoseconds / 1_000_000_000 }

    // MARK: Into the log

    /// Proposes one change to what the configuration is now and goes on once it is committed, and
    /// a joint configuration it led to is left. An earlier change that is not over is waited for,
    /// and, for a moment, a member that has to catch up.
    ///
    /// - Parameter isMade: whether somebody else has made this very change meanwhile. Then nothing
    ///   is proposed, and `next` is called although that may not be committed yet.
    func change(
        _ change: MembershipChange,
        _ order: Order,
        _ keyring: Keyring,
        unless isMade: @escaping @Sendable (Configuration) -> Bool = { _ in false },
        then next: @escaping @Sendable () -> Void
    ) {
        guard Moment.now < order.deadline else { return order.end(.failed(.timedOut)) }
        let again: @Sendable () -> Void = { [self] in
            later(order.loop) {
                self.change(change, order, keyring, unless: isMade, then: next)
            }
        }
        let configuration = replica.configuration
        guard !isMade(configuration) else { return order.loop.execute(next) }
        let target: Configuration
        do throws(MembershipError) {
            target = try configuration.applying(change)
        } catch .changeUnderWay {
            return again()
        } catch {
            return order.end(.refused("\(error.summary); \(error.remedy)"))
        }
        let entry = ConfigurationEntry(
            configuration: target,
            authorisation: keyring.tag(ofConfiguration: target.encoded())
        )
        replica.propose(
            MembershipProposal(
                entry: entry,
                deadline: order.deadline,
                onProposed: { self.proposed($0, order, again: again) },
                onCommitted: { [self] outcome in
                    switch outcome {
                    case .applied: settle(order, then: next)
                    case .superseded: again()
                    case .duplicate, .rejected, .unknown: order.end(.failed(.outcomeUnknown))
                    }
                }
            )
        )
    }

    private func proposed(
        _ outcome: ProposeOutcome,
        _ order: Order,
        again: @escaping @Sendable () -> Void
    ) {
        switch outcome {
        case .appended: break
        case .refused(.membership(.changeUnderWay)), .refused(.membership(.leaderTooNew)),
            .conflict:
            again()
        // A new leader does not know yet how far anybody is.
        case .refused(.membership(.behind))
        where Moment.now - order.begun < .milliseconds(Limits.catchUpMilliseconds):
            again()
        // It follows on what was the configuration here, so another change has come before it.
        case .refused(.membership(.invalid)): again()
        case .refused(.membership(let error)):
            order.end(.refused("\(error.summary); \(error.remedy)"))
        // Nothing was appended, so asking the next leader is safe.
        case .refused(.notLeader): order.end(.notLeader)
        case .refused: order.end(.failed(.overloaded))
        }
    }

    /// Waits until the joint configuration is left, which the leader does by itself.
    private func settle(_ order: Order, then next: @escaping @Sendable () -> Void) {
        guard replica.configuration.isJoint else { return order.loop.execute(next) }
        guard Moment.now < order.deadline else {
            return order.end(.failed(.outcomeUnknown))
        }
        later(order.loop) { self.settle(order, then: next) }
    }

    private func later(_ loop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        loop.scheduleTask(in: .milliseconds(Int64(Limits.leaderPollMilliseconds)), body)
    }
}

extension Configuration {
    /// A token that makes room for a new one: any that ended, else the one of those that have
    /// admitted their node that ends first, if there is no room without it.
    fileprivate func tokenToDrop(now: UInt64) -> JoinToken? {
        if let ended = joinTokens.first(where: { $0.deadline < now }) { return ended }
        guard joinTokens.count >= Raft.Limits.joinTokensMax else { return nil }
        return joinTokens.filter { $0.pin != nil }.min { $0.deadline < $1.deadline }
    }
}
