import Barrier

/// What a timer is about: a record, and the home that it is in.
///
/// Timers lie in the system mount, where whoever leads finds those that are due. The path of one
/// that belongs to a namespace begins with the namespace's home.
struct TimerPlace: Sendable, Equatable {
    let home: MountID
    /// Relative to the home.
    let path: String

    private static let prefix = "namespaces/at/"
    private static let idCharacters = 36

    init(home: MountID, path: String) {
        self.home = home
        self.path = path
    }

    /// Of a timer's path; the path itself where no home is named.
    init(_ text: String) {
        guard let below = text.below(Self.prefix), below.utf8.count > Self.idCharacters + 1,
            let home = MountID(
                text: String(decoding: below.utf8.prefix(Self.idCharacters), as: UTF8.self)
            )
        else {
            self.init(home: .system, path: text)
            return
        }
        let path = below.utf8.dropFirst(Self.idCharacters + 1)
        self.init(home: home, path: String(decoding: Array(path), as: UTF8.self))
    }

    /// The timer's path.
    var text: String { home == .system ? path : "\(Self.prefix)\(home.text)/\(path)" }
}
