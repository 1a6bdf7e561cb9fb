import API
import Audit
import Barrier
import Store
import Synchronization
import Vault
import Wire

/// One request's way onto the record of this node.
///
/// ```
/// read     step → answer                       one leaf, the response's, which repeats the request
/// write    step → intent → propose → answer    a leaf before, and a leaf after
/// ```
/// No audit, no answer: if the leaf of an answer cannot be written, the client hears that instead
/// of the answer, and never "not applied" of something that may have been.
final class RequestAudit: Sendable {
    private struct State: Sendable {
        var facts = VaultFacts()
        /// The leaf that announced the request.
        var intent: AuditOutcome?
        /// Whether what was announced may have happened.
        var mayHaveHappened = false
        /// Which share was given; empty where none was.
        var share = ""
    }

    private let keeper: AuditKeeper
    private let entry: AuditEntry
    /// Nil on a node that has no keys: then nothing is recorded that would need hiding.
    private let hash: ValueHash?
    private let isBodyKept: Bool
    private let clock: @Sendable () -> Timestamp
    private let state = Mutex(State())

    /// - Parameters:
    ///   - isCeremony: nothing of the bodies is recorded.
    ///   - keys: the audit keys while this node is unsealed.
    init(
        _ entry: AuditEntry,
        isCeremony: Bool,
        keys: AuditKeys?,
        keeper: AuditKeeper,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        var entry = entry
        if keys == nil {
            entry.token = ""
            entry.fields = JSONObject()
            entry.headers = []
        }
        self.entry = entry
        hash = keys.map { ValueHash(key: $0.hash) }
        isBodyKept = !isCeremony && keys != nil
        self.keeper = keeper
        self.clock = clock
    }

    /// What a step found out; the last step counts.
    func learned(_ facts: VaultFacts) { state.withLock { $0.facts = facts } }

    /// Which share was given.
    func took(share: String) { state.withLock { $0.share = share } }

    // MARK: Before

    /// Puts a write on the record before anything of it can happen; the second time it is there
    /// already.
    ///
    /// - Parameter done: gets the leaf's hash, 32 bytes, or nil where there is no vault yet;
    ///   false if the write must not happen.
    func announce(_ done: @escaping @Sendable (Announcement) -> Void) {
        let (known, facts) = state.withLock { ($0.intent, $0.facts) }
        if let known { return done(Announcement(known)) }
        let record = entry.record(facts, at: clock())
        put(line(record), [AuditEntry.beforeRouting(record)], isOwed: false) { [self] outcome in
            if outcome != .refused {
                state.withLock { state in
                    state.intent = outcome
                    state.mayHaveHappened = true
                }
            }
            done(Announcement(outcome))
        }
    }

    /// Whether a write may go on.
    enum Announcement: Sendable {
        case recorded(leaf: [UInt8]?)
        case refused

        init(_ outcome: AuditOutcome) {
            switch outcome {
            case .written(let leaf): self = .recorded(leaf: leaf)
            case .noVault: self = .recorded(leaf: nil)
            case .refused: self = .refused
            }
        }
    }

    /// The leaf that announced this request, as the key under which it rides in a batch.
    var leaf: [UInt8]? {
        guard case .written(let leaf) = state.withLock({ $0.intent }) else { return nil }
        return leaf
    }

    // MARK: After

    /// Puts an answer on the record; `done` gets what may leave: the answer, or why it may not.
    func answer(_ response: APIResponse, _ done: @escaping @Sendable (APIResponse) -> Void) {
        let (facts, isOwed, isAnnounced, share) = state.withLock {
            ($0.facts, $0.mayHaveHappened, $0.intent != nil, $0.share)
        }
        var record = entry.record(facts, at: clock())
        record.share = share
        AuditAnswer.add(response, isBodyKept: isBodyKept, facts: facts, to: &record)
        var line = line(record)
        if line.count > AuditLimits.recordBytesMax {
            line = self.line(elided(record, response))
        }
        // Devices get a line for the request in any case, as those of OpenBao do.
        let records = isAnnounced ? [record] : [entry.record(refused: record), record]
        put(line, records, isOwed: isOwed) { outcome in
            guard outcome == .refused else { return done(response) }
            done(
                isOwed
                    ? ServiceFailure.outcomeUnknown.response
                    : ServiceFailure.notRecorded.response
            )
        }
    }

    /// Writes a line into this node's own log, and then the records to the devices.
    private func put(
        _ line: [UInt8],
        _ records: [AuditRecord],
        isOwed: Bool,
        _ done: @escaping @Sendable (AuditOutcome) -> Void
    ) {
        keeper.write(line, isOwed: isOwed) { [self] outcome in
            // On a sealed node there is no key to hide anything with, nor a list of devices.
            guard case .written = outcome, hash != nil, let sinks = keeper.sinks else {
                return done(outcome)
            }
            let isAboutDevices = entry.path.utf8.starts(with: "sys/audit/".utf8)
            sinks.write(records, isExempt: isAboutDevices) { isTaken in
                done(isTaken ? outcome : .refused)
            }
        }
    }

    /// Tries the audit device that this request would make, if it would make one.
    ///
    /// - Parameter done: gets what is wrong with it, or nil.
    func tryNewDevice(_ done: @escaping @Sendable (String?) -> Void) {
        guard let device = state.withLock({ $0.facts.newDevice }), let sinks = keeper.sinks else {
            return done(nil)
        }
        sinks.probe(device, at: clock(), done: done)
    }

    private func line(_ record: AuditRecord) -> [UInt8] {
        AuditFormat(hash: hash, tellsReasons: true).line(record)
    }

    /// A record that would be too long says how long the bodies are, and their digests.
    private func elided(_ record: AuditRecord, _ response: APIResponse) -> AuditRecord {
        var record = record
        let body = String(decoding: response.body, as: UTF8.self)
        record.response?.data = [
            "elided_bytes": .number(JSONNumber(response.body.count)), "digest": .string(body),
        ]
        if record.request.data.count > 0 {
            let text = JSONValue.object(record.request.data).encoded(sortingKeys: true)
            record.request.data = [
                "elided_bytes": .number(JSONNumber(text.count)),
                "digest": .string(String(decoding: text, as: UTF8.self)),
            ]
        }
        return record
    }
}

extension RequestFlow {
    /// Goes on with a batch once it is on the record that it will be proposed; the leaf's hash
    /// rides in it.
    func announce(
        _ batch: WriteBatch,
        _ unsealed: Unsealed,
        _ context: RequestContext,
        _ body: @escaping @Sendable (WriteBatch) -> Void
    ) {
        guard let audit = context.audit else { return body(batch) }
        audit.tryNewDevice { [self] problem in
            guard let problem else { return announce(audit, batch, unsealed, context, body) }
            context.answer(
                Reply.errors(400, ["audit backend failed test message: " + problem])
            )
        }
    }

    private func announce(
        _ audit: RequestAudit,
        _ batch: WriteBatch,
        _ unsealed: Unsealed,
        _ context: RequestContext,
        _ body: @escaping @Sendable (WriteBatch) -> Void
    ) {
        audit.announce { [self] announcement in
            switch announcement {
            case .refused: context.fail(.notRecorded)
            case .recorded(nil): onLoop(context) { body(batch) }
            case .recorded(let leaf?):
                onLoop(context) { body(unsealed.keyring.announced(batch, by: leaf)) }
            }
        }
    }

    /// Goes on with a write that another node will propose, once this node's record says so.
    func announce(_ context: RequestContext, _ body: @escaping @Sendable () -> Void) {
        guard context.vault.isWrite, let audit = context.audit else { return body() }
        audit.announce { [self] announcement in
            guard case .recorded = announcement else { return context.fail(.notRecorded) }
            onLoop(context, body)
        }
    }
}
