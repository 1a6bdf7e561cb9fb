/// What a view was asked for and could not give: an answer that rests on it is a claim.
///
/// A flipped bit in a page of the tree can make a record unfindable, which looks like absence. So
/// whoever answers "there is none" confirms it first, with these keys.
package struct ViewDoubts: Sendable, Equatable {
    /// Keys that table and overlay did not have, without repeats, the first
    /// ``StoreLimits/doubtsMax``.
    package private(set) var missed: [StorageKey] = []
    /// Keys whose record is damaged.
    package private(set) var damaged: [StorageKey] = []
    /// Directories that were walked.
    package private(set) var scanned: [DirectoryPrefix] = []

    mutating func noteMiss(_ key: StorageKey) { Self.add(key, to: &missed) }

    mutating func noteDamage(_ key: StorageKey) { Self.add(key, to: &damaged) }

    mutating func noteScan(_ directory: DirectoryPrefix) { Self.add(directory, to: &scanned) }

    private static func add<Element: Equatable>(_ element: Element, to list: inout [Element]) {
        guard list.count < StoreLimits.doubtsMax, !list.contains(element) else { return }
        list.append(element)
    }
}

extension DirectoryPrefix {
    /// Which of the 256 buckets its records are in.
    package var bucket: Int { Int(words.0 >> 56) }
}
