import Cryptography
import Shamir
import Store
import Testing

@testable import Barrier

private let attempt = [UInt8](repeating: 3, count: 16)

@Suite("seal machine")
struct SealMachineTests {
    @Test("every 3 of 5 shares open the vault, in any of their forms")
    func everySubset() throws {
        let store = try TestStore()
        let made = try create(try ShareLayout(threshold: 3, of: 5), seed: 1, in: store)
        try store.commit(made.batch)
        let words = made.shares.map { $0.words }
        let hex = made.shares.map { $0.hex }
        let base64 = made.shares.map { $0.base64 }
        var opened = 0
        for first in 0..<3 {
            for second in first + 1..<4 {
                for third in second + 1..<5 {
                    let given = [words[third], hex[first], base64[second]]
                    let keyring = try unseal(store, given)
                    #expect(keyring.vaultID == made.sealRecord.vaultID)
                    #expect(keyring.epoch == 7)
                    opened += 1
                }
            }
        }
        #expect(opened == 10)
    }

    @Test("progress is counted, named by an attempt, and forgotten by reset and by opening")
    func progress() throws {
        let vault = try TestVault()
        var machine = SealMachine(vault.record)
        #expect(machine.progress.attempt == nil && machine.progress.given == 0)
        #expect(machine.progress.groups.map(\.have) == [0])
        #expect(machine.progress.groups.map(\.need) == [3])

        _ = machine.shareArrived(vault.shares[4], freshAttempt: attempt)
        let outcome = machine.shareArrived(
            vault.shares[0],
            freshAttempt: [UInt8](repeating: 4, count: 16)
        )
        guard case .needMore(let progress) = outcome else {
            Issue.record("second share: \(outcome)")
            return
        }
        #expect(progress.attempt == attempt && progress.given == 2 && !progress.isComplete)
        #expect(progress.slots == [Slot(group: 0, member: 0), Slot(group: 0, member: 4)])

        machine.reset()
        #expect(machine.progress.attempt == nil && machine.progress.given == 0)
        for share in vault.shares.prefix(2) {
            _ = machine.shareArrived(share, freshAttempt: attempt)
        }
        let third = machine.shareArrived(vault.shares[2], freshAttempt: attempt)
        #expect(third == .complete(machine.progress) && machine.progress.isComplete)
        let opened = vault.store.local.view { view in
            if case .opened = machine.open(view, epoch: 7) { true } else { false }
        }
        #expect(opened)
        #expect(machine.progress.attempt == nil && machine.progress.given == 0)
    }

    @Test("opening too early says how far it is, and loses nothing")
    func tooEarly() throws {
        let vault = try TestVault()
        var machine = SealMachine(vault.record)
        _ = machine.shareArrived(vault.shares[1], freshAttempt: attempt)
        let error = vault.store.local.view { view -> SealError? in
            if case .failed(let error) = machine.open(view, epoch: 7) { error } else { nil }
        }
        #expect(error == .incomplete(have: 0, need: 1))
        #expect(machine.progress.given == 1)
    }

    @Test("groups: two of three, each with its own threshold")
    func groups() throws {
        let layout = try ShareLayout(
            groupThreshold: 2,
            groups: [
                GroupSpec(threshold: 2, count: 3), GroupSpec(threshold: 3, count: 5),
                GroupSpec(threshold: 1, count: 1),
            ]
        )
        let vault = try TestVault(layout: layout)
        #expect(vault.record.sharesIssued == 9 && vault.record.sharesRequired == 3)
        // eu 1, us 2, eu 3, ap: eu and ap are complete, us is not and is not needed.
        let given = [0, 4, 2, 8].map { vault.shares[$0] }
        _ = try unseal(vault.store, given)
        let groups = [3, 4, 5, 0].map { vault.shares[$0] }
        #expect(throws: TestFailure.self) { _ = try unseal(vault.store, groups) }
    }

    @Test("the first use of a share by another vault's machine names both sets")
    func otherVault() throws {
        let vault = try TestVault(seed: 1)
        let other = try TestVault(seed: 2)
        #expect(vault.record.shareSet.identifier != other.record.shareSet.identifier)
        var machine = SealMachine(vault.record)
        _ = machine.shareArrived(vault.shares[0], freshAttempt: attempt)
        let outcome = machine.shareArrived(other.shares[1], freshAttempt: attempt)
        let error = SealError.otherVault(
            want: vault.record.shareSet.identifier,
            have: other.record.shareSet.identifier
        )
        #expect(outcome == .refused(error, machine.progress))
        #expect(machine.progress.given == 1)
    }

    @Test("a duplicate is reported and what was given stays")
    func duplicate() throws {
        let vault = try TestVault()
        var machine = SealMachine(vault.record)
        _ = machine.shareArrived(vault.shares[3], freshAttempt: attempt)
        let outcome = machine.shareArrived(vault.shares[3].uppercased(), freshAttempt: attempt)
        let slot = Slot(group: 0, member: 3)
        #expect(outcome == .refused(.duplicate(slot), machine.progress))
        #expect(machine.progress.given == 1)
    }

    @Test("a mistyped share is refused as such and what was given stays")
    func mistyped() throws {
        let vault = try TestVault()
        var machine = SealMachine(vault.record)
        _ = machine.shareArrived(vault.shares[0], freshAttempt: attempt)
        let share = vault.shares[1]
        let last = share.last == "0" ? "4" : "0"
        let texts = [
            "", "abandon abandon", String(share.dropLast()), String(share.dropLast()) + last,
            String(repeating: "0", count: 84), "s.notashare", String(repeating: "x", count: 5_000),
        ]
        for text in texts {
            let outcome = machine.shareArrived(text, freshAttempt: attempt)
            guard case .refused(.unreadable(let error), _) = outcome else {
                Issue.record("\(text.prefix(20)): \(outcome)")
                continue
            }
            #expect(!error.summary.isEmpty && !error.remedy.isEmpty)
        }
        #expect(machine.progress.given == 1)
    }

    @Test("a well-formed share with the right numbers and a wrong value names its slot")
    func wrongValue() throws {
        let vault = try TestVault()
        var machine = SealMachine(vault.record)
        _ = machine.shareArrived(vault.shares[0], freshAttempt: attempt)
        let forged = try forge(
            identifier: vault.record.shareSet.identifier,
            layout: try ShareLayout(threshold: 3, of: 5)
        )
        let outcome = machine.shareArrived(forged[1], freshAttempt: attempt)
        let slot = Slot(group: 0, member: 1)
        #expect(outcome == .refused(.wrongValue(slot), machine.progress))
        // Also for a slot whose true share was given.
        let again = machine.shareArrived(forged[0], freshAttempt: attempt)
        #expect(again == .refused(.wrongValue(Slot(group: 0, member: 0)), machine.progress))
        #expect(machine.progress.given == 1)
        for share in vault.shares[2...3] {
            _ = machine.shareArrived(share, freshAttempt: attempt)
        }
        #expect(machine.progress.isComplete)
    }

    @Test("the right identifier with other thresholds is another layout")
    func otherLayout() throws {
        let vault = try TestVault()
        let identifier = vault.record.shareSet.identifier
        let layouts = [
            try ShareLayout(threshold: 2, of: 5), try ShareLayout(threshold: 3, of: 6),
            try ShareLayout(
                groupThreshold: 1,
                groups: [GroupSpec(threshold: 3, count: 5), GroupSpec(threshold: 3, count: 5)]
            ),
        ]
        var machine = SealMachine(vault.record)
        for layout in layouts {
            let shares = try forge(identifier: identifier, layout: layout)
            let outcome = machine.shareArrived(shares[layout.shareCount - 1], freshAttempt: attempt)
            guard case .refused(.otherLayout, let progress) = outcome else {
                Issue.record("\(layout): \(outcome)")
                continue
            }
            #expect(progress.given == 0)
        }
    }

    @Test("no error shows a share or a key")
    func errorsAreQuiet() throws {
        let vault = try TestVault()
        var machine = SealMachine(vault.record)
        let text = vault.shares[0].dropLast(2) + "zz"
        let outcome = machine.shareArrived(String(text), freshAttempt: attempt)
        #expect(!"\(outcome)".contains(vault.shares[0].prefix(16)))
    }
}

/// Shares of some other secret that claim to be of a set with this identifier.
private func forge(identifier: UInt16, layout: ShareLayout) throws -> [String] {
    var entropy = SystemEntropy()
    let secret = try SecretBytes.random(count: 32)
    let shares = try split(secret, layout: layout, identifier: identifier, entropy: &entropy)
    return shares.map { $0.hex }
}
