/// What a request wants done with its path. HTTP methods map to these in `API`; engines never see a
/// method.
///
/// POST and PUT are one operation. Whether a write creates or updates is a question of policies;
/// the engines themselves do not distinguish the two.
package enum Operation: UInt8, Sendable, Equatable, CaseIterable {
    case read = 1
    case update = 2
    case delete = 3
    case list = 4
    case scan = 5
    case patch = 6
    case help = 7

    /// Whether the operation may change something, so that it has to run where the log is led.
    package var isWrite: Bool {
        switch self {
        case .update, .delete, .patch: true
        case .read, .list, .scan, .help: false
        }
    }
}
