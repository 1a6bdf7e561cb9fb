/// One request of one client, as the client saw it: when it was sent, when the answer came, what
/// was asked and what was answered. A history is a list of these, in any order.
package struct Operation: Equatable, Sendable {
    /// Who asked. Any number; only session checks and explanations use it.
    package let client: UInt64
    /// The record it is about.
    package let key: String
    /// When it was sent, on one clock for the whole history, in any unit.
    package let call: UInt64
    /// When the answer came, same clock, not before `call`; `nil` when none ever came.
    package let end: UInt64?
    /// What was asked.
    package let action: Action
    /// What was answered.
    package let outcome: Outcome

    package init(
        client: UInt64,
        key: String,
        call: UInt64,
        end: UInt64?,
        action: Action,
        outcome: Outcome
    ) {
        self.client = client
        self.key = key
        self.call = call
        self.end = end
        self.action = action
        self.outcome = outcome
    }
}

/// What a client can ask of one record.
package enum Action: Equatable, Sendable {
    /// A read that must be linearizable.
    case get
    /// A read that may be old by this much, in the unit of the history's clock.
    case staleGet(bound: UInt64)
    /// Writes the value, or deletes when it is `nil`, provided that the condition holds. Deleting
    /// what is absent is allowed.
    case write(String?, Condition)
}

/// What must hold for a write to be done.
package enum Condition: Equatable, Sendable {
    /// Always written.
    case none
    /// The record's version (its modification index) is this; 0 means there is no record.
    case version(UInt64)
    /// The record's value is this; `nil` means there is no record.
    case value(String?)
}

/// What a client was told.
package enum Outcome: Equatable, Sendable {
    /// Answer to a read. `value` is `nil` when there is no record, `version` when none was told.
    case found(value: String?, version: UInt64?)
    /// A write was done and gave the record this version, `nil` when none was told.
    case written(version: UInt64?)
    /// A write was not done, because its condition did not hold.
    case mismatch
    /// It was certainly not done, for a reason that says nothing about the record.
    case refused
    /// It may or may not have been done, now or later.
    case unknown
}

extension Operation: CustomStringConvertible {
    /// One line for a person: `client 3 put "b" if version 5 -> written as version 7 [30...35]`.
    package var description: String {
        let span = "[\(call)...\(end.map(String.init) ?? "")]"
        return "client \(client) \(action) -> \(outcome) \(span)"
    }
}

extension Action: CustomStringConvertible {
    package var description: String {
        switch self {
        case .get: "get"
        case .staleGet(let bound): "get at most \(bound) old"
        case .write(let value?, let condition): "put \"\(value)\"\(condition)"
        case .write(nil, let condition): "delete\(condition)"
        }
    }
}

extension Condition: CustomStringConvertible {
    package var description: String {
        switch self {
        case .none: ""
        case .version(0), .value(nil): " if absent"
        case .version(let version): " if version \(version)"
        case .value(let value?): " if value \"\(value)\""
        }
    }
}

extension Outcome: CustomStringConvertible {
    package var description: String {
        switch self {
        case .found(nil, _): "absent"
        case .found(let value?, nil): "\"\(value)\""
        case .found(let value?, let version?): "\"\(value)\" version \(version)"
        case .written(nil): "written"
        case .written(let version?): "written as version \(version)"
        case .mismatch: "mismatch"
        case .refused: "refused"
        case .unknown: "unknown"
        }
    }
}

/// Why a list of operations is no history. The recorder is at fault, not what it recorded.
package enum HistoryError: Error, Equatable, Sendable {
    /// Times, action and outcome of the operation at this position do not fit together.
    case malformed(position: Int, String)
}

extension Operation {
    /// What is wrong with the operation in itself; `nil` when nothing is.
    var problem: String? {
        if let end, end < call { return "it ends before it begins" }
        switch (action, outcome) {
        case (_, .unknown), (_, .refused):
            return nil
        case (.get, .found), (.staleGet, .found), (.write, .written):
            return end == nil ? "it has an outcome but no end" : nil
        case (.write(_, .none), .mismatch):
            return "an unconditional write cannot mismatch"
        case (.write, .mismatch):
            return end == nil ? "it has an outcome but no end" : nil
        case (.get, _), (.staleGet, _), (.write, _):
            return "the outcome belongs to another action"
        }
    }
}
