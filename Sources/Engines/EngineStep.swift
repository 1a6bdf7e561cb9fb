/// What an engine wants to happen next. An engine only decides: it has no clock, no randomness, and
/// writes nothing itself.
///
/// Refusals are thrown as ``EngineError``. An effect that changes the outside world needs more than
/// ``perform(_:body:)``: an intent that is committed first. That is a job's.
package enum EngineStep: Sendable {
    /// Nothing to write: answer now.
    case answer(EngineAnswer)
    /// Write the plan as one batch. The answer holds only once that batch is applied; if one of its
    /// checks fails the request is stepped again on a newer view.
    case commit(BatchPlan, EngineAnswer)
    /// The client proved who it is: make a token, and write the plan in the same batch. Only auth
    /// methods answer so, and only on a path that needs no token.
    case login(LoginGrant, BatchPlan)
    /// Ask outside first: perform the effect, then step the same request again. It finds the
    /// outcome with ``EngineRequest/outcome(of:_:)``. Nothing is held or written meanwhile, so what
    /// this step saw may have changed; the effect may be performed more than once, and for nothing.
    case perform(EffectKind, body: [UInt8])
}

/// Writes of one request in one mount, all or nothing. Which mount is not the engine's to say, so
/// no engine can write into another's records.
package struct BatchPlan: Sendable, Equatable {
    /// One operation on a record. Paths are relative to the mount.
    package enum Step: Sendable, Equatable {
        case put(path: String, value: [UInt8])
        case delete(path: String)
        /// The record must still be the one that was read; 0 means that it must be absent.
        case check(path: String, modificationIndex: UInt64)
    }

    /// In the order in which they are to be evaluated: checks before what depends on them.
    package private(set) var steps: [Step] = []

    /// Nothing to write yet.
    package init() {}

    /// Writes a record.
    package mutating func put(_ path: String, _ value: [UInt8]) {
        steps.append(.put(path: path, value: value))
    }

    /// Removes a record. Removing what is absent is not an error.
    package mutating func delete(_ path: String) {
        steps.append(.delete(path: path))
    }

    /// Adds what another plan for the same mount wants.
    package mutating func append(_ other: BatchPlan) { steps += other.steps }

    /// Rejects the whole batch if the record changed since it was read.
    package mutating func check(_ path: String, _ modificationIndex: UInt64) {
        steps.append(.check(path: path, modificationIndex: modificationIndex))
    }
}

/// A successful answer, or a 404 that carries data. `API` adds the envelope.
package struct EngineAnswer: Sendable, Equatable {
    /// 200, 204 or 404.
    package var status: Int
    /// One JSON object, already encoded with its names sorted; nil is `null`.
    package var data: [UInt8]?
    /// `lease_duration`, in seconds.
    package var leaseSeconds: Int
    /// Texts for `warnings`; none is `null`.
    package var warnings: [String]
    /// Of the credential in the answer, for whoever has it wrapped; empty without one.
    package var accessor = ""

    package init(
        status: Int = 200,
        data: [UInt8]? = nil,
        leaseSeconds: Int = 0,
        warnings: [String] = []
    ) {
        self.status = status
        self.data = data
        self.leaseSeconds = leaseSeconds
        self.warnings = warnings
    }

    /// Done, and nothing to say.
    package static let empty = EngineAnswer(status: 204)
}
