/// Something to do to the outside world, as data. `Node` performs it.
///
/// A job's effect is performed only after the job that wants it was committed; a request's has no
/// such record, so it may only ask, and change nothing that has to be undone. Either may be
/// performed more than once: whoever performs it makes that harmless with the help of ``id``.
package struct Effect: Sendable, Equatable {
    /// Which performer it is for.
    package let kind: EffectKind
    /// The same whenever the same effect is performed again, and of no other effect: 24 bytes.
    package let id: [UInt8]
    /// In a form of the kind's own.
    package let body: [UInt8]
    /// The ``id`` of an earlier effect of the same job, which this one undoes; nil: it undoes none.
    ///
    /// That one may be done, may never have begun, or may still be on its way from a node that led
    /// before. Once this one is done it has not happened, and will not when it comes late.
    package var undoes: [UInt8]?
    /// `traceparent` of what is asked of others for it; nil: it belongs to no request. Says nothing
    /// about what the effect is.
    package var trace: String?

    package init(kind: EffectKind, id: [UInt8], body: [UInt8]) {
        self.kind = kind
        self.id = id
        self.body = body
    }
}

/// What an effect does.
package struct EffectKind: RawRepresentable, Hashable, Sendable {
    /// Chosen once for each kind.
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Says with which keys an issuer signs: see ``KeySetQuestion``.
    package static let keySet = EffectKind(rawValue: 1)
}

/// How an effect ended.
package enum EffectOutcome: Sendable, Equatable {
    /// The outside world has answered; what it said, in a form of the kind's own. An answer may be
    /// no: that is for whoever asked to read there.
    case done([UInt8])
    /// It did not happen, or is not known to have happened: to be tried again or undone.
    case failed(String)
}

/// An effect that a request asked for and what came of it: an input of every later step of that
/// request, so that all of them decide alike.
package struct PerformedEffect: Sendable, Equatable {
    /// What was asked for, and how it ended.
    package let kind: EffectKind
    package let body: [UInt8]
    package let outcome: EffectOutcome

    package init(kind: EffectKind, body: [UInt8], outcome: EffectOutcome) {
        self.kind = kind
        self.body = body
        self.outcome = outcome
    }
}
