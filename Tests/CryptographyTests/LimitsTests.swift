import Testing

@testable import Cryptography

@Test("limits of cryptography make sense together")
func cryptographyLimitsAreConsistent() {
    #expect(Limits.slotBytesMin.nonzeroBitCount == 1 && Limits.slotBytesMax.nonzeroBitCount == 1)
    #expect(Limits.slabBytes % Limits.slotBytesMax == 0)
    #expect(Limits.slotBytesMin >= 16, "libcrypto expects alignment to 16")
    #expect(Limits.secretBytesMax > Limits.slotBytesMax)
    #expect(Limits.boxBytesMax < Int32.max, "libcrypto counts in Int32")
    // One slab of every size fits the usual limit of 8 MiB many times over.
    let classes = (Limits.slotBytesMax / Limits.slotBytesMin).trailingZeroBitCount + 1
    #expect(classes * Limits.slabBytes <= 1 << 20)
}
