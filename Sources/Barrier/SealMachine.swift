import Cryptography
package import Shamir
package import Store

/// How far an unseal attempt has come.
package struct SealProgress: Sendable, Equatable {
    /// Names the attempt, 16 bytes; nil while no share was accepted.
    package let attempt: [UInt8]?
    /// Shares accepted.
    package let given: Int
    /// Which slots, in order.
    package let slots: [Slot]
    /// For each group: shares accepted and needed.
    package let groups: [ShareProgress.Group]
    package let groupsNeeded: Int
    /// Whether ``SealMachine/open(_:epoch:)`` may be called.
    package let isComplete: Bool
}

/// Collects shares of one set and opens the vault with them. Pure: no clock, no randomness, no
/// thread; the store is lent.
///
/// - One machine belongs to one share set. Make it from the seal record in the store; when that is
///   replaced, ``open(_:epoch:)`` says so and a new machine is needed.
/// - A share is checked against the custody table when it is given, so a wrong one is refused
///   alone, naming its slot, and the ones given correctly are kept.
/// - Neither seal key nor root key outlives a call.
package struct SealMachine: ~Copyable {
    private let record: SealRecord
    private var shares: ShareSet
    private var attempt: [UInt8]?

    /// No share given yet.
    ///
    /// - Parameter record: as the store shows it now; not verified yet, which only shares can do.
    package init(_ record: SealRecord) {
        self.record = record
        shares = Self.emptySet(for: record)
    }

    /// The seal record that shares are checked against.
    package var sealRecord: SealRecord { record }

    /// How far this attempt has come.
    package var progress: SealProgress {
        let progress = shares.progress
        return SealProgress(
            attempt: attempt,
            given: progress.have,
            slots: shares.slots,
            groups: progress.groups,
            groupsNeeded: progress.groupsNeeded,
            isComplete: progress.isComplete
        )
    }

    /// What became of a share.
    package enum ShareOutcome: Sendable, Equatable {
        /// Taken; more are needed.
        case needMore(SealProgress)
        /// Taken, and enough: call ``SealMachine/open(_:epoch:)``.
        case complete(SealProgress)
        /// Not taken; nothing changed.
        case refused(SealError, SealProgress)
    }

    /// Which share somebody typed or pasted, of whatever vault; nil if it is none.
    package static func slot(of text: String) -> String? {
        guard let share = try? Share.parse(text) else { return nil }
        return share.slot.description
    }

    /// Takes a share as somebody typed or pasted it.
    ///
    /// - Parameters:
    ///   - text: words, 84 hexadecimal digits, or base64.
    ///   - freshAttempt: 16 random bytes; name the attempt if this share starts it.
    package mutating func shareArrived(
        _ text: String,
        freshAttempt: [UInt8]
    ) -> ShareOutcome {
        do throws(ShareError) {
            return shareArrived(try Share.parse(text), freshAttempt: freshAttempt)
        } catch {
            return .refused(.unreadable(error), progress)
        }
    }

    /// Takes a share that was parsed.
    package mutating func shareArrived(
        _ share: consuming Share,
        freshAttempt: [UInt8]
    ) -> ShareOutcome {
        precondition(freshAttempt.count == BarrierLimits.idBytes, "an attempt's id is 16 bytes")
        do throws(SealError) {
            try attribute(share)
            try insert(share)
        } catch {
            return .refused(error, progress)
        }
        attempt = attempt ?? freshAttempt
        let progress = progress
        return progress.isComplete ? .complete(progress) : .needMore(progress)
    }

    /// Forgets the shares given so far.
    package mutating func reset() {
        shares = Self.emptySet(for: record)
        attempt = nil
    }

    /// What became of an attempt.
    package enum OpenOutcome: Sendable {
        /// Install it: the node is unsealed.
        case opened(Keyring)
        /// Still sealed.
        case failed(SealError)
    }

    /// Rebuilds the seal key and opens the vault. Whatever happens, no share is kept.
    ///
    /// Seal key → its commitment → custody MAC, root wrap MAC → root key → its commitment →
    /// wrapping key → keyring → the facts inside it against the seal record's → mount keys.
    /// - Parameters:
    ///   - view: of the store to open; its seal record may have a newer root than at the start.
    ///   - epoch: of the cluster, from the node's hard state.
    /// - Complexity: 10,000 rounds of HMAC and an X-Wing decapsulation: about 10 ms.
    package mutating func open(_ view: borrowing ReadView, epoch: UInt64) -> OpenOutcome {
        guard shares.isComplete else {
            let progress = shares.progress
            return .failed(
                .incomplete(have: progress.groupsComplete, need: progress.groupsNeeded)
            )
        }
        defer { reset() }
        do throws(SealError) {
            let current = try currentRecord(view)
            let rootKey = try rebuildRoot(current)
            return .opened(try Self.openKeyring(rootKey, current, view, epoch: epoch))
        } catch {
            return .failed(error)
        }
    }
}

extension SealMachine {
    private static func emptySet(for record: SealRecord) -> ShareSet {
        ShareSet(identifier: record.shareSet.identifier, layout: record.shareSet.layout)
    }

    /// Whether this is the share that was issued for its slot.
    private func attribute(_ share: borrowing Share) throws(SealError) {
        let set = record.shareSet
        guard share.identifier == set.identifier else {
            throw .otherVault(want: set.identifier, have: share.identifier)
        }
        let layout = set.layout
        guard share.groupThreshold == layout.groupThreshold,
            share.groupCount == layout.groups.count
        else {
            throw .otherLayout(
                .otherGroups(
                    wantThreshold: layout.groupThreshold,
                    wantCount: layout.groups.count,
                    haveThreshold: share.groupThreshold,
                    haveCount: share.groupCount
                )
            )
        }
        let slot = share.slot
        let group = layout.groups[slot.group]
        guard share.memberThreshold == group.threshold else {
            throw .otherLayout(
                .memberThreshold(
                    group: slot.group,
                    want: group.threshold,
                    have: share.memberThreshold
                )
            )
        }
        guard let issued = set.custody.publicKey(of: slot, in: layout) else {
            throw .otherLayout(.unknownSlot(slot))
        }
        let given: [UInt8]
        do throws(CryptographyError) {
            given = try CustodyTable.signingKey(
                of: share,
                vaultID: set.vaultID,
                setID: set.setID
            ).publicKey
        } catch {
            throw .barrier(.cryptography(error))
        }
        guard constantTimeEquals(given, issued) else { throw .wrongValue(slot) }
    }

    private mutating func insert(_ share: consuming Share) throws(SealError) {
        let slot = share.slot
        do throws(ShareError) {
            try shares.insert(share)
        } catch {
            switch error {
            case .duplicate: throw .duplicate(slot)
            case .conflictingValue: throw .wrongValue(slot)
            default: throw .otherLayout(error)
            }
        }
    }

    private func currentRecord(_ view: borrowing ReadView) throws(SealError) -> SealRecord {
        let current: SealRecord?
        do throws(BarrierError) {
            current = try SealRecord.load(view)
        } catch {
            throw .barrier(error)
        }
        guard let current else { throw .vaultGone }
        guard current.shareSet == record.shareSet else { throw .setReplaced }
        return current
    }

    private func rebuildRoot(_ current: SealRecord) throws(SealError) -> SecretBytes {
        let set = current.shareSet
        let sealKey: SecretBytes
        do throws(ShareError) {
            sealKey = try shares.combine()
        } catch {
            throw .sharesDoNotOpen
        }
        let keys: SealRecord.SealKeys
        do throws(CryptographyError) {
            keys = try SealRecord.SealKeys(sealKey, vaultID: set.vaultID, setID: set.setID)
        } catch {
            throw .barrier(.cryptography(error))
        }
        guard constantTimeEquals(keys.commitment, set.sealKeyCommitment) else {
            throw .sharesDoNotOpen
        }
        do throws(BarrierError) {
            return try current.openRoot(with: keys)
        } catch {
            throw .barrier(error)
        }
    }

    private static func openKeyring(
        _ rootKey: borrowing SecretBytes,
        _ current: SealRecord,
        _ view: borrowing ReadView,
        epoch: UInt64
    ) throws(SealError) -> Keyring {
        let set = current.shareSet
        let wrappingKey = deriveKey(.wrappingKey, from: rootKey, vaultID: set.vaultID)
        do throws(BarrierError) {
            let stored = try KeyringRecord.load(view)
            guard stored.identity.vaultID == set.vaultID else {
                throw .hierarchyDamaged(.keyring, reason: "it is of another vault")
            }
            let content = try stored.open(with: wrappingKey)
            guard content.recipientPublicKey == set.recipientPublicKey,
                content.setID == set.setID, content.sealGeneration == current.sealGeneration
            else {
                throw .hierarchyDamaged(
                    .sealRecord,
                    reason: "the keyring knows another seal than this record"
                )
            }
            let keyring = Keyring(content, of: stored.identity, epoch: epoch)
            try keyring.loadAll(in: view)
            try keyring.audit.check(AuditKeyRecord.load(view))
            return keyring
        } catch {
            throw .barrier(error)
        }
    }
}
