package import Shamir
package import Wire

/// Why a share was not taken, or shares did not open the vault.
///
/// Whatever is wrong with one share, those given correctly before it are kept, except where the
/// remedy says to start again.
package enum SealError: OperatorError, Equatable {
    /// The text is not a share: mistyped, cut off, or another program's.
    case unreadable(ShareError)
    /// A share with another identifier. Both are the numbers on the share sheets.
    case otherVault(want: UInt16, have: UInt16)
    /// A share with this vault's identifier whose groups and thresholds are not this vault's.
    case otherLayout(ShareError)
    /// A well-formed share with the right numbers that is not the one issued for its slot.
    case wrongValue(Slot)
    /// This slot's share was given before. Nothing changed.
    case duplicate(Slot)
    /// The shares are not complete yet.
    case incomplete(have: Int, need: Int)
    /// The vault's share set was replaced while shares were being given.
    case setReplaced
    /// The vault that shares were being given for is not in the store any more.
    case vaultGone
    /// Every share was attributed to its slot, and together they do not give this vault's seal key.
    case sharesDoNotOpen
    /// Something behind the shares is missing or damaged.
    case barrier(BarrierError)

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .unreadable(let error), .otherLayout(let error): error.blame
        case .barrier(let error): error.blame
        case .incomplete: .bug
        default: .operator
        }
    }

    /// What happened, with the numbers.
    package var summary: String {
        switch self {
        case .unreadable(let error): error.summary
        case .otherVault(let want, let have):
            "the share is of set \(have), this vault's shares are of set \(want)"
        case .otherLayout(let error): error.summary
        case .wrongValue(let slot): "this is not the value that was issued as \(slot)"
        case .duplicate(let slot): "\(slot) was already given"
        case .incomplete(let have, let need): "\(have) of \(need) groups have enough shares"
        case .setReplaced: "the vault's shares were replaced while shares were being given"
        case .vaultGone: "the vault was abandoned while shares were being given"
        case .sharesDoNotOpen: "the shares do not rebuild this vault's seal key"
        case .barrier(let error): error.summary
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .unreadable(let error): error.remedy
        case .otherVault, .otherLayout:
            "compare the set number on the share sheet; the share is of another vault. What was "
                + "given so far is kept"
        case .wrongValue:
            "compare the share with its sheet; if it is the same, the sheet is of another vault "
                + "with the same set number. What was given so far is kept"
        case .duplicate: "ask another share holder; what was given so far is kept"
        case .incomplete: "give the next share"
        case .setReplaced: "start again with the new shares"
        case .vaultGone: "initialise the vault again, and use the new shares"
        case .sharesDoNotOpen:
            "start again; if it happens again, this node's seal record was altered: compare the "
                + "custody digest on a share sheet with the one that another member shows"
        case .barrier(let error): error.remedy
        }
    }
}
