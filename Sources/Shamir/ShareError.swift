package import Wire

/// Everything that can be wrong with a share, or with a set of them.
///
/// No case carries the share. The most that is shown is one suggested word and where it belongs.
package enum ShareError: OperatorError, Equatable {
    // The text
    case empty
    case tooLong(characters: Int)
    case unknownWord(position: Int, nearest: String)
    case wordCount(have: Int)
    case hexDigit(position: Int)
    case hexLength(have: Int)
    case base64Character(position: Int)
    case unrecognised(characters: Int)
    case trailingBits
    // The content
    case checksum
    case notA256BitShare(bits: Int)
    case padding
    case notExtendable
    case iterationExponent(Int)
    case groupNumbers(index: Int, threshold: Int, count: Int)
    // The set
    case otherSet(want: UInt16, have: UInt16)
    case otherGroups(wantThreshold: Int, wantCount: Int, haveThreshold: Int, haveCount: Int)
    case memberThreshold(group: Int, want: Int, have: Int)
    case unknownSlot(Slot)
    case duplicate(Slot)
    case conflictingValue(Slot)
    case incomplete(groups: Int, need: Int)
    case inconsistentMembers(group: Int)
    case inconsistentGroups

    package var blame: Blame {
        switch self {
        case .incomplete: .bug
        default: .operator
        }
    }
}

extension ShareError {
    package var summary: String {
        switch self {
        case .empty: "the share is empty"
        case .tooLong(let characters):
            "\(characters) characters are too long for a share"
        case .unknownWord(let position, let nearest):
            "word \(position) is not in the list; the nearest is \"\(nearest)\""
        case .wordCount(let have): "a share has \(Limits.shareWords) words, this has \(have)"
        case .hexDigit(let position): "character \(position) is not a hexadecimal digit"
        case .hexLength(let have):
            "a share has \(Limits.shareHexDigits) hexadecimal digits, this has \(have)"
        case .base64Character(let position): "character \(position) is not base64"
        case .unrecognised(let characters):
            "\(characters) characters that are neither words, nor hexadecimal, nor base64"
        case .trailingBits: "the last 6 bits are not zero"
        case .checksum: "the share's checksum does not match"
        case .notA256BitShare(let bits): "the share is of a \(bits)-bit secret, a vault's is 256"
        case .padding: "the share's padding is not zero"
        case .notExtendable: "the share is not of the extendable kind that a vault makes"
        case .iterationExponent(let exponent):
            "the share has iteration exponent \(exponent), a vault's have 0"
        case .groupNumbers(let index, let threshold, let count):
            "the share says group \(index + 1), threshold \(threshold), of \(count) groups"
        case .otherSet(let want, let have):
            "the share is of set \(have), the shares wanted are of set \(want)"
        case .otherGroups(let wantThreshold, let wantCount, let haveThreshold, let haveCount):
            "the share is of a set that needs \(haveThreshold) of \(haveCount) groups, "
                + "this one needs \(wantThreshold) of \(wantCount)"
        case .memberThreshold(let group, let want, let have):
            "the share says that group \(group + 1) needs \(have) shares, it needs \(want)"
        case .unknownSlot(let slot): "this vault never issued \(slot)"
        case .duplicate(let slot): "\(slot) was already given"
        case .conflictingValue(let slot): "\(slot) was already given with another value"
        case .incomplete(let groups, let need):
            "\(groups) of \(need) groups have enough shares"
        case .inconsistentMembers(let group):
            "the shares of group \(group + 1) do not belong together"
        case .inconsistentGroups: "the groups' shares do not belong together"
        }
    }

    package var remedy: String {
        switch self {
        case .empty, .incomplete: "give the next share"
        case .tooLong, .unrecognised:
            "paste one share: \(Limits.shareWords) words, \(Limits.shareHexDigits) hexadecimal "
                + "digits or \(Limits.shareBase64Characters) base64 characters"
        case .unknownWord, .checksum:
            "compare every word with the share sheet and give the share again"
        case .wordCount, .hexLength: "check that the whole share was pasted, and only one"
        case .hexDigit, .base64Character, .trailingBits:
            "copy the share again from where it is kept"
        case .notA256BitShare, .padding, .notExtendable, .iterationExponent, .groupNumbers:
            "this share was made by another program, perhaps for a wallet; use the vault's share"
        case .otherSet, .otherGroups, .memberThreshold, .unknownSlot:
            "compare the set number on the share sheet; the share is of another vault, or of a "
                + "set that a rekey has retired"
        case .duplicate: "ask another share holder; what was given so far is kept"
        case .conflictingValue, .inconsistentMembers, .inconsistentGroups:
            "start again and compare the set number on every share sheet; one of the shares is "
                + "forged or of a set with the same number"
        }
    }
}
