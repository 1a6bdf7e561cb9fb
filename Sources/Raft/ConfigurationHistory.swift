/// The configurations along the retained log. A configuration takes effect when its entry is
/// appended, so a truncated entry takes its configuration along, and the one before is in effect
/// again.
struct ConfigurationHistory: Sendable {
    struct Step: Sendable {
        /// The entry that brought it; for the first step, a position at or below the commit index
        /// at which it was in effect.
        let index: LogIndex
        let configuration: Configuration
    }

    /// Ascending by index, never empty. Bounded by the configuration entries in the log's memory.
    private var steps: [Step]

    init(_ configuration: Configuration, at index: LogIndex) {
        steps = [Step(index: index, configuration: configuration)]
    }

    /// The one in effect.
    var newest: Step { steps[steps.count - 1] }

    /// The one in effect at this position of the log.
    func step(at index: LogIndex) -> Step {
        guard let step = steps.last(where: { $0.index <= index }) else {
            preconditionFailure("no configuration is known at \(index.number)")
        }
        return step
    }

    mutating func append(_ configuration: Configuration, at index: LogIndex) {
        precondition(index > newest.index, "configurations follow the log")
        steps.append(Step(index: index, configuration: configuration))
    }

    /// The log was cut at `index`, which is not committed.
    mutating func truncate(from index: LogIndex) {
        while steps.count > 1, newest.index >= index {
            steps.removeLast()
        }
        precondition(newest.index < index, "a committed configuration was truncated")
    }

    /// Nobody will ask for positions below `index` any more.
    mutating func fold(through index: LogIndex) {
        while steps.count > 1, steps[1].index <= index {
            steps.removeFirst()
        }
    }
}
