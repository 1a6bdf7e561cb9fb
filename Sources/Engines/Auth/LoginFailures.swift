import Cryptography
package import Wire

/// Where an auth mount counts failed logins. Relative to the mount, so they are retired with it,
/// and no endpoint of a method reaches them.
///
/// A user that is there has a record of its own. Names that are nobody's share ``slotCount``
/// records of bounded size: whoever guesses names cannot fill the store, and a guess costs the same
/// commit whether the name is somebody's or not.
package enum LoginFailurePaths {
    /// One record for each user with failures.
    package static let known = "lockouts/known/"
    static let slotCount = 256

    /// - Parameter alias: any text. Only its hash is in the path.
    package static func path(of alias: String, isKnown: Bool) -> String {
        let digest = sha256(Array(alias.utf8))
        return isKnown ? known + Hex.encode(digest) : "lockouts/unknown/\(Int(digest[0]))"
    }
}

/// Failed logins in a row, of one user or of the nameless in one slot.
///
/// Format 1: for each name the hash, the name where somebody has it, the count and the time of the
/// last one.
package struct LoginFailures: Sendable, Equatable {
    struct Row: Sendable, Equatable {
        /// SHA-256 of the alias.
        let digest: [UInt8]
        /// Empty where it is nobody's name.
        let alias: String
        var count: Int
        var last: Timestamp
    }

    /// What the mount says about locking.
    package struct Rule: Sendable, Equatable {
        /// Failures in a row that lock, 1 or more.
        package let threshold: Int
        /// How long a lock lasts after the last failure that counted.
        package let seconds: Int
        /// A pause that makes the count start again.
        package let resetSeconds: Int

        /// All three are positive.
        package init(threshold: Int, seconds: Int, resetSeconds: Int) {
            precondition(threshold > 0 && seconds > 0 && resetSeconds > 0)
            self.threshold = threshold
            self.seconds = seconds
            self.resetSeconds = resetSeconds
        }

        fileprivate func isLocked(_ row: Row, _ now: Timestamp) -> Bool {
            row.count >= threshold && now < row.last.adding(seconds: seconds)
        }

        /// Whether the failures count for nothing any more.
        fileprivate func isOver(_ row: Row, _ now: Timestamp) -> Bool {
            let pause = row.count >= threshold ? seconds : resetSeconds
            return now >= row.last.adding(seconds: pause)
        }
    }

    private var rows: [Row] = []

    /// Nobody failed yet.
    package init() {}

    /// Whether this name may not log in now, whatever it brings.
    package func isLocked(_ alias: String, by rule: Rule, at now: Timestamp) -> Bool {
        row(alias).map { rule.isLocked(rows[$0], now) } ?? false
    }

    /// Whether there is anything to forget after a success.
    package func counts(_ alias: String) -> Bool { row(alias) != nil }

    /// Counts one more.
    ///
    /// - Parameter isKnown: whether the name is somebody's, which then has this record alone.
    package mutating func add(
        _ alias: String,
        isKnown: Bool,
        by rule: Rule,
        at now: Timestamp
    ) {
        if let position = row(alias) {
            rows[position].count = rule.isOver(rows[position], now) ? 1 : rows[position].count + 1
            rows[position].last = now
            return
        }
        if isKnown { rows = [] }
        makeRoom(by: rule, at: now)
        rows.append(
            Row(
                digest: sha256(Array(alias.utf8)),
                alias: isKnown ? alias : "",
                count: 1,
                last: now
            )
        )
    }

    /// The name of the user that is locked out by this record, where it is a user's own.
    package func lockedAlias(by rule: Rule, at now: Timestamp) -> String? {
        guard let row = rows.first, !row.alias.isEmpty, rule.isLocked(row, now) else { return nil }
        return row.alias
    }

    private func row(_ alias: String) -> Int? {
        let digest = sha256(Array(alias.utf8))
        return rows.firstIndex { $0.digest == digest }
    }

    /// Forgets what is over; in a full slot then the oldest that is not locked, or the oldest.
    private mutating func makeRoom(by rule: Rule, at now: Timestamp) {
        rows.removeAll { rule.isOver($0, now) }
        guard rows.count >= EngineLimits.failureRowsMax else { return }
        let open = rows.filter { !rule.isLocked($0, now) }
        let oldest = (open.isEmpty ? rows : open).min { $0.last < $1.last }
        rows.removeAll { $0.digest == oldest?.digest }
    }
}

// MARK: at rest

extension LoginFailures {
    /// See the type.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.writeUInt8(1)
        writer.writeVarint(UInt64(rows.count))
        for row in rows {
            writer.writeBytes(row.digest)
            writer.writeString(row.alias)
            writer.writeVarint(UInt64(row.count))
            writer.writeUInt64(row.last.nanoseconds)
        }
        return writer.bytes
    }

    /// - Throws: ``EngineError/damaged(_:)``
    package init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "failed logins")
            let count = try reader.readVarint()
            guard count <= UInt64(EngineLimits.failureRowsMax) else {
                throw .tooLong(limit: EngineLimits.failureRowsMax, have: count)
            }
            for _ in 0..<count {
                let digest = try reader.readBytes(32)
                let alias = try reader.readString(atMost: EngineLimits.aliasBytesMax)
                let failures = try reader.readCount()
                guard (1...1 << 32).contains(failures) else {
                    throw .malformed("\(failures) failed logins")
                }
                let last = Timestamp(nanoseconds: try reader.readUInt64())
                rows.append(Row(digest: digest, alias: alias, count: failures, last: last))
            }
            try reader.finish()
        } catch {
            throw .damaged("failed logins: \(error.summary)")
        }
    }
}

extension Timestamp {
    /// Later by so much; the end of time where that is after it.
    func adding(seconds: Int) -> Timestamp {
        let (span, isLong) = UInt64(max(0, seconds)).multipliedReportingOverflow(by: 1_000_000_000)
        let (moment, isFar) = nanoseconds.addingReportingOverflow(span)
        return Timestamp(nanoseconds: isLong || isFar ? .max : moment)
    }
}
