import Testing

@testable import Shamir

@Test("limits of shares make sense together")
func shareLimitsAreConsistent() {
    let bits = Limits.shareWords * 10
    // 40 bits of header, the value, its padding to a multiple of 10, the checksum.
    #expect(bits == 40 + (Limits.secretBytes * 8 + 9) / 10 * 10 + Limits.checksumWords * 10)
    #expect(Limits.shareBytes == (bits + 7) / 8)
    #expect(Limits.shareHexDigits == 2 * Limits.shareBytes)
    #expect(Limits.shareBase64Characters * 3 == Limits.shareBytes * 4)
    #expect(Limits.textBytesMax >= Limits.shareWords * 9)
    #expect(Limits.wordsMax >= 59, "a share of 512 bits has 59 words")
    // Member numbers must stay clear of the two special points.
    #expect(Limits.membersMax < Int(SecretSharing.digestX))
    #expect(Limits.groupsMax < Int(SecretSharing.digestX))
}
