/// The buckets that something rests on which was read before, and is used again.
package struct RestedBuckets: Sendable, Equatable {
    /// Of all that was asked for or walked.
    package internal(set) var asked = BucketSet()
    /// Of records that table `state` had.
    package internal(set) var found = BucketSet()
    /// Of what was not there, and of directories that were walked.
    package internal(set) var absent = BucketSet()

    /// None.
    package init() {}

    /// Adds those of another.
    package mutating func formUnion(_ other: RestedBuckets) {
        asked = asked.union(other.asked)
        found = found.union(other.found)
        absent = absent.union(other.absent)
    }
}

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
    /// The buckets of all keys that were missed, however many.
    package private(set) var missedBuckets = BucketSet()
    /// The buckets of all keys that were asked for, found or not.
    package private(set) var askedBuckets = BucketSet()
    /// The buckets of all records that table `state` had: its disk may have lost what was written
    /// to a page, and then it has an older record there, as well authenticated as any other.
    package private(set) var foundBuckets = BucketSet()
    /// The buckets of directories that were walked.
    package private(set) var scannedBuckets = BucketSet()

    /// Nothing.
    package init() {}

    /// A key that is looked up.
    package mutating func noteAsked(_ key: StorageKey) { askedBuckets.insert(key.bucket) }

    /// A key that table `state` has, rather than the overlay.
    package mutating func noteFound(_ key: StorageKey) { foundBuckets.insert(key.bucket) }

    /// A key that was not found.
    package mutating func noteMiss(_ key: StorageKey) {
        missedBuckets.insert(key.bucket)
        Self.add(key, to: &missed)
    }

    /// A key whose record cannot be read.
    package mutating func noteDamage(_ key: StorageKey) { Self.add(key, to: &damaged) }

    /// A directory that was walked.
    package mutating func noteScan(_ directory: DirectoryPrefix) {
        scannedBuckets.insert(directory.bucket)
    }

    /// Something is used that was read before from these.
    ///
    /// What it missed or listed counts as missed: a list was added up when it was read.
    package mutating func note(_ rested: RestedBuckets) {
        askedBuckets = askedBuckets.union(rested.asked)
        foundBuckets = foundBuckets.union(rested.found)
        missedBuckets = missedBuckets.union(rested.absent)
    }

    /// The buckets in which something is lost if an answer is wrong because of this disk.
    ///
    /// - Parameter records: records that were found count, besides what was missed or listed.
    package func restedBuckets(countingRecords records: Bool) -> BucketSet {
        let absences = missedBuckets.union(scannedBuckets)
        return records ? absences.union(foundBuckets) : absences
    }

    private static func add(_ key: StorageKey, to list: inout [StorageKey]) {
        guard list.count < StoreLimits.doubtsMax, !list.contains(key) else { return }
        list.append(key)
    }
}

extension DirectoryPrefix {
    /// Which of the 256 buckets its records are in.
    package var bucket: Int { Int(words.0 >> 56) }
}
