/// What stands to the right of a key in an HCL document.
indirect enum HCLValue: Equatable {
    case string(String)
    /// As written; ``HCLParser`` has checked that it is a number.
    case number(String)
    case bool(Bool)
    case list([HCLValue])
    case object([HCLItem])

    /// For messages: what kind of value this is.
    var kind: String {
        switch self {
        case .string: "a text"
        case .number: "a number"
        case .bool: "true or false"
        case .list: "a list"
        case .object: "a block"
        }
    }
}

/// One `key = value`, or a block with its labels: `path "secret/*" { … }` has two keys.
struct HCLItem: Equatable {
    let keys: [String]
    let value: HCLValue
    /// Line of the first key, from 1; 0 in a document that was JSON.
    let line: Int
}
