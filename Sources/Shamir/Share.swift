package import Cryptography

/// One SLIP-0039 share of a 256-bit secret, as given to one holder.
///
/// Always extendable, with iteration exponent 0: the only kind that a vault makes, and the only
/// kind that is parsed.
/// - Layout in bits: identifier 15, extendable 1, exponent 4, group index 4, group threshold - 1 4,
///   group count - 1 4, member index 4, member threshold - 1 4, padding 4, value 256, checksum 30.
/// - Source: SLIP-0039.
package struct Share: ~Copyable, Sendable {
    /// Random, 15 bits, the same in all shares of one set.
    package let identifier: UInt16
    /// How many groups are needed, of how many. 1 to 16.
    package let groupThreshold: Int
    package let groupCount: Int
    /// How many members of this share's group are needed. 1 to 16.
    package let memberThreshold: Int
    package let slot: Slot
    /// 32 bytes: a point of the group's polynomial. Also the seed of the slot's signing key.
    package let value: SecretBytes

    init(
        identifier: UInt16,
        groupThreshold: Int,
        groupCount: Int,
        memberThreshold: Int,
        slot: Slot,
        value: consuming SecretBytes
    ) {
        precondition(identifier >> Limits.identifierBits == 0)
        precondition((1...groupCount).contains(groupThreshold) && groupCount <= Limits.groupsMax)
        precondition((1...Limits.membersMax).contains(memberThreshold))
        precondition((0..<groupCount).contains(slot.group))
        precondition((0..<Limits.membersMax).contains(slot.member))
        precondition(value.count == Limits.secretBytes)
        self.identifier = identifier
        self.groupThreshold = groupThreshold
        self.groupCount = groupCount
        self.memberThreshold = memberThreshold
        self.slot = slot
        self.value = value
    }

    /// A second owner of the same share.
    package func clone() -> Share {
        Share(
            identifier: identifier,
            groupThreshold: groupThreshold,
            groupCount: groupCount,
            memberThreshold: memberThreshold,
            slot: slot,
            value: value.clone()
        )
    }
}

// MARK: - Words and fields

extension Share {
    private static let headerBits = 40
    private static let paddingBits = 4

    /// The share as 33 numbers of 10 bits.
    func encoded() -> ShareWords {
        let header = headerFields()
        let body = ShareWords(count: Limits.shareWords) { position in
            var word: UInt16 = 0
            for bit in position * 10..<position * 10 + 10 {
                word = word << 1 | self.bit(bit, header: header)
            }
            return word
        }
        return ChecksumRS1024.complete(body, for: .extendable)
    }

    /// The first 40 bits as one number.
    private func headerFields() -> UInt64 {
        var header = UInt64(identifier) << 1 | 1  // extendable
        header <<= 4  // exponent 0
        for field in [
            slot.group, groupThreshold - 1, groupCount - 1, slot.member, memberThreshold - 1,
        ] {
            header = header << 4 | UInt64(field)
        }
        return header
    }

    private func bit(_ bit: Int, header: UInt64) -> UInt16 {
        guard bit >= Self.headerBits else {
            return UInt16(header >> UInt64(Self.headerBits - 1 - bit) & 1)
        }
        let position = bit - Self.headerBits - Self.paddingBits
        guard (0..<value.count * 8).contains(position) else { return 0 }
        return value.withBytes { UInt16($0[position / 8] >> UInt8(7 - position % 8) & 1) }
    }

    /// Reads a share of any number of words, and refuses it unless it is one that a vault makes.
    static func decode(_ words: borrowing ShareWords) throws(ShareError) -> Share {
        try checkLengthAndChecksum(words)
        guard words.bits(15, 1) == 1 else { throw .notExtendable }
        let exponent = Int(words.bits(16, 4))
        guard exponent == 0 else { throw .iterationExponent(exponent) }
        let group = Int(words.bits(20, 4))
        let groupThreshold = Int(words.bits(24, 4)) + 1
        let groupCount = Int(words.bits(28, 4)) + 1
        guard group < groupCount, groupThreshold <= groupCount else {
            throw .groupNumbers(index: group, threshold: groupThreshold, count: groupCount)
        }
        guard words.bits(headerBits, paddingBits) == 0 else { throw .padding }
        let first = headerBits + paddingBits
        return Share(
            identifier: words.bits(0, 15),
            groupThreshold: groupThreshold,
            groupCount: groupCount,
            memberThreshold: Int(words.bits(36, 4)) + 1,
            slot: Slot(group: group, member: Int(words.bits(32, 4))),
            value: SecretBytes(count: Limits.secretBytes) { value in
                for position in value.indices {
                    value[position] = UInt8(words.bits(first + 8 * position, 8))
                }
            }
        )
    }

    /// A correct share of another length is another program's; any other length lost words.
    private static func checkLengthAndChecksum(
        _ words: borrowing ShareWords
    ) throws(ShareError) {
        let isLongEnough = words.count > 7 && words.count <= Limits.wordsMax
        let isExtendable = isLongEnough && words.bits(15, 1) == 1
        let isValid =
            isLongEnough
            && ChecksumRS1024.isValid(words, for: isExtendable ? .extendable : .bound)
        guard words.count == Limits.shareWords else {
            guard isValid else { throw .wordCount(have: words.count) }
            let bits = words.count * 10 - headerBits - Limits.checksumWords * 10
            throw .notA256BitShare(bits: bits / 16 * 16)
        }
        guard isValid else { throw .checksum }
    }
}
