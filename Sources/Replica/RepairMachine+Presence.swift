import Raft
import Store

/// A question that was sent and waits for its answer.
struct OpenQuestion {
    let number: UInt64
    let parts: [PresenceQuestion]
    var attempt: Int
    var due: ContinuousClock.Instant

    var keys: [StorageKey] { parts.flatMap(\.keys) }
    var index: LogIndex { parts.map(\.index).max() ?? .zero }
}

/// Another member's question that this node cannot answer before it has evaluated enough.
struct DeferredPresence {
    let member: NodeID
    let number: UInt64
    let index: UInt64
    let keys: [StorageKey]
    let until: ContinuousClock.Instant
}

extension RepairMachine {
    /// Sends all questions of a turn to one member, in one frame.
    mutating func ask(_ fresh: [PresenceQuestion], _ now: ContinuousClock.Instant) {
        guard !fresh.isEmpty else { return }
        var parts: [PresenceQuestion] = []
        var count = 0
        for question in fresh {
            if count + question.keys.count > Limits.presenceKeysMax {
                open(parts, now)
                (parts, count) = ([], 0)
            }
            parts.append(question)
            count += question.keys.count
        }
        open(parts, now)
    }

    private mutating func open(_ parts: [PresenceQuestion], _ now: ContinuousClock.Instant) {
        var question = OpenQuestion(number: number(), parts: parts, attempt: 0, due: now)
        guard questions.count < Limits.presenceQuestionsMax, send(&question, now) else {
            return parts.forEach { $0.completion(.nobody) }
        }
        questions.append(question)
    }

    /// - Returns: false when no further member can be asked.
    private func send(_ question: inout OpenQuestion, _ now: ContinuousClock.Instant) -> Bool {
        while question.attempt < members.count, let member = member(question.attempt) {
            question.attempt += 1
            let frame = RepairFrame.presenceRequest(
                number: question.number,
                index: question.index,
                keys: question.keys
            )
            if ports.send(frame, to: member) {
                question.due = now + .milliseconds(Limits.repairAnswerMilliseconds)
                return true
            }
        }
        return false
    }

    mutating func sweepQuestions(_ now: ContinuousClock.Instant) {
        var waiting: [OpenQuestion] = []
        for var question in questions {
            let isOver = question.parts.allSatisfy { $0.deadline <= now }
            if question.due > now {
                waiting.append(question)
            } else if !isOver, send(&question, now) {
                waiting.append(question)
            } else {
                question.parts.forEach { $0.completion(.nobody) }
            }
        }
        questions = waiting
    }

    mutating func presence(_ number: UInt64, _ indexes: [UInt64]) {
        guard let position = questions.firstIndex(where: { $0.number == number }),
            questions[position].keys.count == indexes.count
        else { return }
        let question = questions.remove(at: position)
        var offset = 0
        for part in question.parts {
            var isContradicted = false
            for key in part.keys {
                let index = indexes[offset]
                offset += 1
                guard index > 0 else { continue }
                isContradicted = true
                // A younger record was written after the view that missed it: nothing is lost.
                if index <= part.index.number { buckets.add(key.bucket) }
            }
            part.completion(isContradicted ? .contradicted : .confirmed)
        }
    }

    /// Answers members that wait for this node's evaluation; drops those whose patience has ended.
    mutating func answerDeferred(_ now: ContinuousClock.Instant) {
        guard !deferred.isEmpty else { return }
        var waiting: [DeferredPresence] = []
        for request in deferred {
            let indexes = store.view { view -> [UInt64]? in
                guard view.evaluatedIndex >= request.index else { return nil }
                return Self.indexes(of: request.keys, in: view)
            }
            if let indexes {
                if !indexes.isEmpty {
                    let answer = RepairFrame.presence(number: request.number, indexes: indexes)
                    _ = ports.send(answer, to: request.member)
                }
            } else if request.until > now {
                waiting.append(request)
            }
        }
        deferred = waiting
    }

    /// Empty when one of them is damaged here: then this node cannot tell.
    private static func indexes(
        of keys: [StorageKey],
        in view: borrowing ReadView
    ) -> [UInt64] {
        var indexes: [UInt64] = []
        for key in keys {
            do throws(StoreError) {
                indexes.append(try view.record(key)?.modificationIndex ?? 0)
            } catch {
                return []
            }
        }
        return indexes
    }
}
