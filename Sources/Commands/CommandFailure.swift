package import Wire

/// How a command ends. See the rules in `Terminal.swift`.
package enum ExitStatus: Int32, Sendable {
    case done = 0
    case refused = 1
    case server = 2
    case usage = 64
}

/// A command that could not be carried out.
package struct CommandFailure: OperatorError, Equatable {
    let status: ExitStatus
    /// What happened.
    package let summary: String
    /// What to type next.
    package let remedy: String

    init(_ status: ExitStatus, _ summary: String, _ remedy: String) {
        self.status = status
        self.summary = summary
        self.remedy = remedy
    }

    /// Whoever typed, or the server's operator.
    package var blame: Blame { status == .server ? .operator : .caller }
}
