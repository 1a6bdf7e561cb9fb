/// What a record is. The byte is in the clear, and part of the associated data of its boxes.
enum RecordFlags {
    /// Name box and value box.
    static let value: UInt8 = 0
    /// Name box only, the name ending in "/": makes a folder appear in its parent's listing.
    static let folder: UInt8 = 1
    /// Name box only, holding the whole path that is due: see ``TimerKey``.
    static let timer: UInt8 = 2
    /// A record of the key hierarchy that a sealed node reads: no name box, and the value box is
    /// its bytes as they are.
    static let clear: UInt8 = 0x80
}
