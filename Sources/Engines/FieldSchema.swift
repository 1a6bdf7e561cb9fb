/// The parameters of one endpoint: their names and how their values are read.
///
/// Clients send loosely typed values (the command line sends every value as text), so each
/// parameter says how it is converted. Names that an endpoint does not know are allowed and
/// reported back.
package struct FieldSchema: Sendable {
    /// How a value is read. Null reads as the kind's zero value, but a
    /// duration of null is one that is not given.
    package enum Kind: Sendable {
        /// Text; numbers and truth values are spelled out.
        case text
        /// A whole number, or text with one.
        case int
        /// A number with or without a fraction, or text with one.
        case float
        /// A truth value, a number (not 0), or text such as `true`, `1`, `F`.
        case bool
        /// An object; an empty list counts as an empty one.
        case map
        /// An object of texts, a list of `name=value`, or one `name=value`.
        case pairs
        /// A list of whole numbers, one number, or text with numbers between commas.
        case ints
        /// A list of texts, or one text with commas.
        case texts
        /// A duration that is not negative; its value is in seconds.
        case seconds
        /// A duration; its value is in seconds.
        case signedSeconds

        var isDuration: Bool {
            switch self {
            case .seconds, .signedSeconds: true
            case .text, .int, .float, .bool, .map, .pairs, .ints, .texts: false
            }
        }
    }

    /// Names and kinds.
    package let kinds: [(name: String, kind: Kind)]
    /// Names whose values the endpoint's own path supplies.
    package let captured: [String]
    /// What stands before a conversion error. Endpoints that look before they write leave it out.
    package let errorPrefix: String

    /// - Parameter looksFirst: whether OpenBao runs an existence check before a write here; its
    ///   conversion errors then lack their prefix.
    package init(
        _ kinds: [(String, Kind)],
        captured: [String] = [],
        looksFirst: Bool = false
    ) {
        self.kinds = kinds.map { (name: $0.0, kind: $0.1) }
        self.captured = captured
        errorPrefix = looksFirst ? "" : "Field validation failed: "
    }

    /// The kind of a parameter, or nil for one that the endpoint does not know.
    package func kind(of name: String) -> Kind? {
        kinds.first { $0.name.utf8.elementsEqual(name.utf8) }?.kind
    }
}
