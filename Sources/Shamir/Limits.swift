/// Every bound in `Shamir`. A number that is not here does not exist. Source: SLIP-0039.
package enum Limits {
    /// A group index and a member index have 4 bits each.
    package static let groupsMax = 16
    package static let membersMax = 16
    /// Secrets are 256 bit.
    package static let secretBytes = 32
    /// 40 bits of header, 4 of padding, 256 of value, 30 of checksum, 10 bits a word.
    package static let shareWords = 33
    /// 330 bits and 6 zero bits.
    package static let shareBytes = 42
    package static let shareHexDigits = 84
    package static let shareBase64Characters = 56
    /// Identifiers have 15 bits.
    package static let identifierBits = 15
    /// Longest text that is looked at. The longest share in words has 33 × 9 characters.
    package static let textBytesMax = 4096
    /// Most words that are looked at: room for a share of 512 bit and a few words too many.
    static let wordsMax = 64
    /// PBKDF2 rounds in each of the four Feistel rounds, at iteration exponent 0.
    static let iterationsPerRound = 2500
    static let checksumWords = 3
}
