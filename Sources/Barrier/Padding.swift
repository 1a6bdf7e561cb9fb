/// Hides lengths: names are padded to a multiple of 32 bytes, values to size classes.
///
/// Name: length u16 ‖ bytes ‖ zeros. Value: length u32 ‖ bytes ‖ zeros.
///
/// Size classes of a framed value (its bytes and the four of its length): 64 bytes, then sixteen
/// classes for each doubling (64, 68, 72 … 124, 128, 136 …), the last one ending exactly at the
/// largest value allowed. A value of 58 bytes or more grows by at most 12 %; shorter ones all look
/// like one of 60.
enum Padding {
    /// Bytes of the class that a framed value of `framed` bytes falls into.
    static func valueClassBytes(framed: Int) -> Int {
        let largest = BarrierLimits.valueBytesMax + valueFrameBytes
        precondition(framed >= valueFrameBytes && framed <= largest)
        guard framed > BarrierLimits.valueClassBytesMin else {
            return BarrierLimits.valueClassBytesMin
        }
        let magnitude = Int.bitWidth - 1 - framed.leadingZeroBitCount
        let step = 1 << (magnitude - 4)
        return min((framed + step - 1) / step * step, largest)
    }

    /// Frames and pads a value of at most 1 MiB.
    static func pad(value: [UInt8]) -> [UInt8] {
        precondition(value.count <= BarrierLimits.valueBytesMax)
        let total = valueClassBytes(framed: valueFrameBytes + value.count)
        return pad(value[...], frameBytes: valueFrameBytes, total: total)
    }

    /// Frames and pads a name of at most the longest path.
    static func pad(name: ArraySlice<UInt8>) -> [UInt8] {
        precondition(name.count <= BarrierLimits.pathBytesMax)
        let step = BarrierLimits.nameStepBytes
        let total = (nameFrameBytes + name.count + step - 1) / step * step
        return pad(name, frameBytes: nameFrameBytes, total: total)
    }

    /// The value inside a padded one, or nil if these bytes are not what ``pad(value:)`` makes.
    static func unpad(value padded: [UInt8]) -> [UInt8]? {
        guard let value = unpad(padded, frameBytes: valueFrameBytes),
            value.count <= BarrierLimits.valueBytesMax,
            valueClassBytes(framed: valueFrameBytes + value.count) == padded.count
        else { return nil }
        return Array(value)
    }

    /// The name inside a padded one, or nil if these bytes are not what ``pad(name:)`` makes.
    static func unpad(name padded: [UInt8]) -> ArraySlice<UInt8>? {
        guard padded.count % BarrierLimits.nameStepBytes == 0 else { return nil }
        return unpad(padded, frameBytes: nameFrameBytes)
    }

    private static let valueFrameBytes = 4
    private static let nameFrameBytes = 2

    private static func pad(
        _ content: ArraySlice<UInt8>,
        frameBytes: Int,
        total: Int
    ) -> [UInt8] {
        var padded: [UInt8] = []
        padded.reserveCapacity(total)
        for shift in (0..<frameBytes).reversed() {
            padded.append(UInt8(truncatingIfNeeded: content.count >> (8 * shift)))
        }
        padded.append(contentsOf: content)
        padded.append(contentsOf: repeatElement(0, count: total - padded.count))
        return padded
    }

    private static func unpad(_ padded: [UInt8], frameBytes: Int) -> ArraySlice<UInt8>? {
        guard padded.count >= frameBytes else { return nil }
        let count = padded[..<frameBytes].reduce(0) { $0 << 8 | Int($1) }
        guard count <= padded.count - frameBytes else { return nil }
        return padded[frameBytes..<frameBytes + count]
    }
}
