/// 16 bytes as lower-case text in the groups of a UUID: 8-4-4-4-12 digits.
///
/// The bytes are shown as they are; no version or variant bit is set.
package func uuidText(_ bytes16: [UInt8]) -> String {
    precondition(bytes16.count == 16, "an id has 16 bytes, not \(bytes16.count)")
    let digits = Array(Hex.encode(bytes16).utf8)
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for position in 0..<32 {
        if position == 8 || position == 12 || position == 16 || position == 20 {
            text.append(0x2D)
        }
        text.append(digits[position])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The 16 bytes of ``uuidText(_:)``, or nil. Upper-case digits are accepted.
package func uuidBytes(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count == 36 else { return nil }
    var digits: [UInt8] = []
    digits.reserveCapacity(32)
    for position in 0..<36 {
        if position == 8 || position == 13 || position == 18 || position == 23 {
            guard characters[position] == 0x2D else { return nil }
        } else {
            digits.append(characters[position])
        }
    }
    return Hex.decode(digits.span)
}
