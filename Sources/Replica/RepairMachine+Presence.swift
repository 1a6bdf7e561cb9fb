import Raft
import Store
import Wire

/// A question that was sent and waits for its answer.
struct OpenQuestion {
    let number: UInt64
    let parts: [PresenceQuestion]
    var due: Moment

    var keys: [StorageKey] { parts.flatMap(\.keys) }
    var index: LogIndex { parts.map(\.index).max() ?? .zero }
}

/// Another member's question that this node cannot answer before it has evaluated enough.
struct DeferredPresence {
    let member: NodeID
    let number: UInt64
    let index: UInt64
    let keys: [StorageKey]
    let until: Moment
}

extension RepairMachine {
    /// Sends all questions of a turn to one member, in one frame.
    mutating func ask(_ fresh: [PresenceQuestion], _ now: Moment) {
        guard !fresh.isEmpty else { return }
        if planted("missesUnconfirmed") { return fresh.forEach { $0.completion(.confirmed) } }
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

    private mutating func open(_ parts: [PresenceQuestion], _ now: Moment) {
        guard !members.isEmpty, questions.count < Limits.presenceQuestionsMax else {
            return parts.forEach { $0.completion(.nobody) }
        }
        var question = OpenQuestion(number: number(), parts: parts, due: now)
        send(&question, now)
        questions.append(question)
    }

    /// To the member that answered last; whoever does not take it is passed over.
    private mutating func send(_ question: inout OpenQuestion, _ now: Moment) {
        let frame = RepairFrame.presenceRequest(
            number: question.number,
            index: question.index,
            keys: question.keys
        )
        question.due = now + .milliseconds(Limits.repairAnswerMilliseconds)
        for _ in members {
            if let member = member(firstMember), ports.send(frame, to: member) { return }
            firstMember &+= 1
        }
    }

    /// Asks somebody else instead of whoever did not answer, for as long as a client waits.
    mutating func sweepQuestions(_ now: Moment) {
        var waiting: [OpenQuestion] = []
        var isSilent = false
        for var question in questions {
            guard question.due <= now else {
                waiting.append(question)
                continue
            }
            isSilent = true
            let live = members.isEmpty ? [] : question.parts.filter { $0.deadline > now }
            if live.count < question.parts.count {
                // An answer to the longer question would not fit any more.
                for part in question.parts where members.isEmpty || part.deadline <= now {
                    part.completion(.nobody)
                }
                question = OpenQuestion(number: number(), parts: live, due: now)
            }
            if !live.isEmpty { waiting.append(question) }
        }
        if isSilent { firstMember &+= 1 }
        for position in waiting.indices where waiting[position].due <= now {
            send(&waiting[position], now)
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
            var verdict = PresenceVerdict.confirmed
            for key in part.keys {
                let index = indexes[offset]
                offset += 1
                if index > part.index.number {
                    if verdict == .confirmed { verdict = .younger }
                } else if index > 0 {
                    verdict = .contradicted
                    buckets.add(key.bucket)
                    // Before the verdict is heard: whoever hears it may read at once.
                    if part.isProposed { trust.fork(key.bucket) }
                }
            }
            part.completion(verdict)
        }
    }

    /// Answers members that wait for this node's evaluation, or for the repair of what it might
    /// have lost itself; drops those whose patience has ended.
    mutating func answerDeferred(_ now: Moment) {
        guard !deferred.isEmpty else { return }
        var waiting: [DeferredPresence] = []
        for request in deferred {
            let least = planted("confirmsFromBehind") ? 0 : request.index
            let indexes = store.presence(of: request.keys, from: least)
            if let indexes, canTell(request.keys, indexes, now) {
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

    /// Whether what this node says of these keys is worth something to another one. "There is none"
    /// is a claim here as well: two members may have lost the same record. And what is there may
    /// be an old page's, where the record is gone.
    private mutating func canTell(
        _ keys: [StorageKey],
        _ indexes: [UInt64],
        _ now: Moment
    ) -> Bool {
        if planted("confirmsWithoutLooking") { return true }
        guard !indexes.isEmpty else { return true }
        let rested = BucketSet(keys.map(\.bucket))
        if rested.all.contains(where: buckets.contains) { return false }
        for bucket in trust.unseen(of: rested, now) {
            do throws(StoreError) {
                if let reason = try store.bucketDamage(bucket) {
                    found(.bucket(bucket, reason: reason))
                    return false
                }
            } catch {
                found(.structure(error))
                return false
            }
            trust.saw(bucket, now)
        }
        return true
    }
}
