import Engines
import Replica

/// Which key sets this node keeps, when an issuer is asked, and who waits for its answer. Time is
/// passed in.
///
/// ```
/// kept     fresh: answered; from half its life on it is fetched as well, and nobody waits
///          old, or none: fetch, and wait
///          the issuer failed a moment ago: the old one if it is not too old, or that failure
/// newer    there is one: answered
///          fetch, and wait; asked a moment ago: what there is
/// now      fetch, and wait
/// ```
/// Who asks while a fetch is under way waits for that one. So an issuer has one request at a time,
/// and after a pause another, however many tokens with made-up key ids come.
struct KeySetTable<Waiter> {
    /// What becomes of a question.
    enum Decision {
        /// Answered, and perhaps fetched for those who come later.
        case answer(EffectOutcome, fetches: Bool)
        /// The waiter is kept.
        case wait(fetches: Bool)
    }

    private struct Kept {
        let revision: UInt64
        /// A ``KeySetAnswer``.
        let bytes: [UInt8]
        let fetchedAt: Moment
    }

    private struct Waiting {
        let id: [UInt8]
        let need: KeySetQuestion.Need
        let waiter: Waiter
    }

    private struct Entry {
        var kept: Kept?
        /// Why the last fetch failed; nil: it did not.
        var failure: String?
        /// Only who insists asks the issuer before this.
        var nextTryAt: Moment
        var isFetching = false
        var waiting: [Waiting] = []
        var usedAt: Moment
    }

    /// Only looked up, and walked over to make room.
    private var entries: [KeySource: Entry] = [:]
    private var revision: UInt64 = 0

    /// Somebody asks.
    ///
    /// - Parameters:
    ///   - id: under which it can be forgotten again.
    ///   - waiter: kept if the decision says so.
    mutating func ask(
        _ question: KeySetQuestion,
        _ id: [UInt8],
        _ waiter: Waiter,
        at now: Moment
    ) -> Decision {
        let source = question.source
        guard makeRoom(for: source) else {
            return .answer(.failed("too many other issuers are being asked"), fetches: false)
        }
        var entry = entries[source] ?? Entry(nextTryAt: now, usedAt: now)
        entry.usedAt = now
        var decision = Self.decide(question.need, entry, at: now)
        if case .wait = decision {
            if entry.waiting.count >= Limits.keySetWaitingMax {
                decision = .answer(
                    .failed("\(entry.waiting.count) others wait for this issuer"),
                    fetches: false
                )
            } else {
                entry.waiting.append(Waiting(id: id, need: question.need, waiter: waiter))
            }
        }
        switch decision {
        case .answer(_, fetches: true), .wait(fetches: true):
            entry.isFetching = true
            entry.nextTryAt = now + .seconds(Limits.keySetPauseSeconds)
        case .answer, .wait: break
        }
        entries[source] = entry
        return decision
    }

    private static func decide(
        _ need: KeySetQuestion.Need,
        _ entry: Entry,
        at now: Moment
    ) -> Decision {
        let mayTry = now >= entry.nextTryAt
        let age = entry.kept.map { now - $0.fetchedAt }
        switch need {
        case .now: return .wait(fetches: !entry.isFetching)
        case .kept:
            if let kept = entry.kept, let age, age < .seconds(Limits.keySetSeconds) {
                let isHalfOver = age >= .seconds(Limits.keySetSeconds / 2)
                return .answer(
                    .done(kept.bytes),
                    fetches: isHalfOver && mayTry && !entry.isFetching
                )
            }
            if entry.isFetching { return .wait(fetches: false) }
            if mayTry { return .wait(fetches: true) }
        case .newer(let revision):
            if let kept = entry.kept, kept.revision > revision {
                return .answer(.done(kept.bytes), fetches: false)
            }
            if entry.isFetching { return .wait(fetches: false) }
            if mayTry { return .wait(fetches: true) }
        }
        return .answer(leftover(entry, at: now), fetches: false)
    }

    /// What is said without asking the issuer.
    private static func leftover(_ entry: Entry, at now: Moment) -> EffectOutcome {
        if let kept = entry.kept, now - kept.fetchedAt < .seconds(Limits.keySetStaleSeconds) {
            return .done(kept.bytes)
        }
        return .failed(entry.failure ?? "the issuer was asked a moment ago")
    }

    /// A fetch has ended.
    ///
    /// - Returns: who waited for it, and what they are told.
    mutating func ended(
        _ result: Result<KeySet, KeySetFailure>,
        of source: KeySource,
        at now: Moment
    ) -> [(Waiter, EffectOutcome)] {
        guard var entry = entries[source] else { return [] }
        entry.isFetching = false
        let waiting = entry.waiting
        entry.waiting = []
        switch result {
        case .success(let keys):
            revision += 1
            let bytes = KeySetAnswer(revision: revision, keys: keys).encoded()
            entry.kept = Kept(revision: revision, bytes: bytes, fetchedAt: now)
            entry.failure = nil
        case .failure(let failure):
            entry.failure = failure.text
            entry.nextTryAt = now + .seconds(Limits.keySetPauseSeconds)
        }
        entries[source] = entry
        return waiting.map { each in
            switch (result, each.need) {
            case (.failure, .kept): (each.waiter, Self.leftover(entry, at: now))
            case (.failure(let failure), _): (each.waiter, .failed(failure.text))
            case (.success, _): (each.waiter, Self.leftover(entry, at: now))
            }
        }
    }

    /// Nobody waits under this id any more.
    mutating func abandon(_ id: [UInt8], of source: KeySource) {
        entries[source]?.waiting.removeAll { $0.id == id }
    }

    /// Forgets every set, and who waits.
    mutating func forgetAll() -> [Waiter] {
        let waiting = entries.values.flatMap { $0.waiting.map(\.waiter) }
        entries = [:]
        return waiting
    }

    /// - Returns: false when every place is taken by an issuer that is being asked.
    private mutating func makeRoom(for source: KeySource) -> Bool {
        guard entries[source] == nil, entries.count >= Limits.keySetsMax else { return true }
        let idle = entries.filter { !$0.value.isFetching }
        guard let oldest = idle.min(by: { $0.value.usedAt < $1.value.usedAt }) else {
            return false
        }
        entries[oldest.key] = nil
        return true
    }
}

/// Why an issuer's keys cannot be had, for operators.
struct KeySetFailure: Error, Equatable {
    let text: String
}
