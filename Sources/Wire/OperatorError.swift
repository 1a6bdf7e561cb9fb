/// Whose fault an error is. Decides who is told what: a caller gets a 4xx, an operator a remedy,
/// a peer a closed connection, and a bug an alarm.
package enum Blame: String, Sendable { case caller, peer, `operator`, bug }

/// Something a person will read at three in the morning.
package protocol OperatorError: Error, CustomStringConvertible {
    /// Whose fault it is.
    var blame: Blame { get }
    /// What happened, with the numbers. Lower case, no final period, no secret.
    var summary: String { get }
    /// The next action. Never "contact support".
    var remedy: String { get }
}

extension OperatorError {
    /// The summary, so that an interpolated error reads well. The remedy stays separate.
    package var description: String { summary }
}
