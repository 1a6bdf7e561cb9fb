import Store
package import Wire

/// Where a timer is kept: storage keys of their own kind, in the order of time.
///
/// Layout, 32 bytes: shard u8 · "hf/timer/1" · due second u40, big-endian · id 16.
///
/// - The **id** is an HMAC of the path that is due, under the name key of the system mount: whoever
///   reads the disk sees when something is due, which is clear by design, and not what. The same
///   path and second give the same key, so nobody has to remember one.
/// - The **shard** is the first byte of the id. So timers are spread over the 256 buckets of the
///   digest like all other records, and a bucket stays small enough to be added up, lent and
///   repaired whatever the number of timers. The price is a lookup in each of 256 places to find
///   those that are due first.
/// - **No other key looks like one.** Those of records are HMACs: that 80 bits of one are the tag
///   has a probability of 2^-80, for each directory. Even then nothing is mistaken for anything: a
///   timer has flags of its own, a listing refuses them, and they are part of what the box is bound
///   to. Clear records of the key hierarchy have zeros where the tag is.
/// - **No listing shows one.** A listing walks the range of a directory's HMAC.
enum TimerKey {
    /// The latest second, in 36,000 years.
    static let dueSecondsMax: UInt64 = 1 << 40 - 1

    /// - Parameter dueSeconds: since 1970, at most ``dueSecondsMax``.
    /// - Precondition: `id` has 16 bytes.
    static func key(dueSeconds: UInt64, id: [UInt8]) -> StorageKey {
        precondition(id.count == BarrierLimits.idBytes, "a timer's id has 16 bytes")
        precondition(dueSeconds <= dueSecondsMax, "a timer is due in 36,000 years at most")
        var writer = ByteWriter(capacity: StoreLimits.storageKeyBytes)
        writer.writeUInt8(id[0])
        writer.writeBytes(tag)
        writer.writeUInt8(UInt8(truncatingIfNeeded: dueSeconds >> 32))
        writer.writeUInt32(UInt32(truncatingIfNeeded: dueSeconds))
        writer.writeBytes(id)
        guard let key = StorageKey(writer.bytes) else {
            preconditionFailure("1 + 10 + 5 + 16 bytes are a storage key")
        }
        return key
    }

    /// When a key of ``ranges`` is due.
    static func dueSeconds(of key: StorageKey) -> UInt64 { key.words.1 & dueSecondsMax }

    /// Where all timers lie, ascending.
    static let ranges: [ClosedRange<StorageKey>] = (UInt8.min...UInt8.max).map { shard in
        let (first, last) = (bytes(shard, 0x00), bytes(shard, 0xFF))
        guard let first = StorageKey(first), let last = StorageKey(last) else {
            preconditionFailure("1 + 10 + 21 bytes are a storage key")
        }
        return first...last
    }

    /// By time; at the same second in a fixed order.
    static func precedes(_ left: StorageKey, _ right: StorageKey) -> Bool {
        (dueSeconds(of: left), left.words.2, left.words.3)
            < (dueSeconds(of: right), right.words.2, right.words.3)
    }

    private static let tag = Array("hf/timer/1".utf8)

    private static func bytes(_ shard: UInt8, _ rest: UInt8) -> [UInt8] {
        [shard] + tag + [UInt8](repeating: rest, count: 5 + BarrierLimits.idBytes)
    }
}

extension Timestamp {
    /// Whole seconds since 1970, rounded up: a timer is never early.
    var secondsRoundedUp: UInt64 {
        nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0)
    }
}

/// Something that has to happen at some time: a path of the system mount, and when to look at it.
///
/// It says only that. What has to happen is for the record at the path to say, and a timer whose
/// record is gone, or is due later by now, means nothing and is cleared.
package struct DueTimer: Sendable, Equatable {
    /// Whole seconds since 1970.
    package let dueSeconds: UInt64
    /// Of the record that is due; there may be none any more.
    package let path: String
    let key: StorageKey
    /// The log index that set it.
    let modificationIndex: UInt64

    /// Whether it is the timer that is set for this moment, and not one for another second.
    package func isSet(for due: Timestamp) -> Bool { dueSeconds == due.secondsRoundedUp }
}

/// The timers that come first.
package struct DueTimers: Sendable {
    /// Those that are due, the earliest first.
    package internal(set) var timers: [DueTimer] = []
    /// Timers that are due and whose records cannot be opened. They keep nobody else waiting.
    package internal(set) var damaged: [BarrierError] = []
    /// More are due than were asked for.
    package internal(set) var hasMore = false
    /// When the next is due, in seconds since 1970, if none of those that are due was left out and
    /// there is one.
    package internal(set) var nextDueSeconds: UInt64?
}

extension BarrierView {
    /// The timers of the vault that are due.
    ///
    /// What it costs does not depend on how many timers there are: a lookup in each of 256 places,
    /// and the opening of those that are given.
    ///
    /// - Parameters:
    ///   - now: timers of this second and all before it are due.
    ///   - limit: most timers given, 1 or more.
    /// - Throws: ``BarrierError/store(_:)`` and what is wrong with the system mount's keys. A timer
    ///   that does not open is listed, not thrown.
    package func dueTimers(
        through now: Timestamp,
        limit: Int
    ) throws(BarrierError) -> DueTimers {
        precondition(limit > 0, "at least one timer is asked for")
        let through = now.nanoseconds / 1_000_000_000
        let keys = try systemKeys()
        var due = DueTimers()
        for key in try firstTimerKeys(limit: limit + 1) {
            let seconds = TimerKey.dueSeconds(of: key)
            guard seconds <= through else {
                due.nextDueSeconds = seconds
                break
            }
            guard due.timers.count + due.damaged.count < limit else {
                due.hasMore = true
                break
            }
            do throws(BarrierError) {
                guard let timer = try timer(key, keys) else { continue }
                due.timers.append(timer)
            } catch {
                due.damaged.append(error)
            }
        }
        return due
    }

    /// Whether the timer is there as it was read.
    package func holds(_ timer: DueTimer) throws(BarrierError) -> Bool {
        try record(timer.key)?.modificationIndex == timer.modificationIndex
    }

    /// - Returns: nil for a record that is no timer, by the accident that is told of above.
    private func timer(
        _ key: StorageKey,
        _ keys: MountKeys
    ) throws(BarrierError) -> DueTimer? {
        guard let record = try record(key), record.flags == RecordFlags.timer else { return nil }
        let text = String(
            validating: try keys.openTimer(record.nameBox, dataKeyID: record.dataKeyID, at: key),
            as: UTF8.self
        )
        guard let text else {
            throw .damagedRecord(key: key.hex, reason: "the path of a timer is not UTF-8")
        }
        let seconds = TimerKey.dueSeconds(of: key)
        guard keys.timerKey(dueSeconds: seconds, path: try BarrierPath(text)) == key else {
            throw .movedRecord(key: key.hex)
        }
        return DueTimer(
            dueSeconds: seconds,
            path: text,
            key: key,
            modificationIndex: record.modificationIndex
        )
    }
}

extension MountKeys {
    /// Where the timer of a path is kept.
    func timerKey(dueSeconds: UInt64, path: BarrierPath) -> StorageKey {
        TimerKey.key(dueSeconds: dueSeconds, id: timerID(of: path))
    }
}
