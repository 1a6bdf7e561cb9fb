import Wire

/// Names a mount for ever: 16 bytes, drawn when the mount is made. A mount's path may change, its
/// id does not, so moving a mount rewrites nothing.
package struct MountID: Hashable, Sendable, CustomStringConvertible {
    /// 16 bytes.
    package let bytes: [UInt8]

    /// - Parameter bytes: exactly 16, else nil.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == BarrierLimits.idBytes else { return nil }
        self.bytes = bytes
    }

    /// - Parameter text: a UUID, 8-4-4-4-12 hexadecimal digits, else nil.
    package init?(text: String) {
        guard let bytes = uuidBytes(text) else { return nil }
        self.init(bytes)
    }

    private init(system byte: UInt8) {
        bytes = [UInt8](repeating: 0, count: BarrierLimits.idBytes - 1) + [byte]
    }

    /// The vault's own records: mount table, tokens, settings. The same in every vault; its keys
    /// are not.
    package static let system = MountID(system: 1)

    /// As a UUID in lower case.
    package var text: String { uuidText(bytes) }

    /// The same as ``text``; an id is not secret.
    package var description: String { text }
}
