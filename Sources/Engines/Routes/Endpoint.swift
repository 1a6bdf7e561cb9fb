/// One path of the API, or a family of them: what routes requests, and what the description of the
/// API is made from.
package struct Endpoint: Sendable {
    /// Which paths it has.
    package let pattern: RoutePattern
    /// What can be done with it; at least one.
    package let operations: [Operation]
    /// What it is for, in one line.
    package let summary: String
    /// Whether it needs no token.
    package let isOpen: Bool

    /// - Precondition: there is something to do.
    package init(
        _ pattern: RoutePattern,
        _ operations: Operation...,
        summary: String,
        isOpen: Bool = false
    ) {
        precondition(!operations.isEmpty, "a path for which there is nothing to do")
        self.pattern = pattern
        self.operations = operations
        self.summary = summary
        self.isOpen = isOpen
    }
}

/// The shape of a path: `mounts/{path...}/tune`.
///
/// `{name}` stands for one segment, `{name...}` for one or more; a `/?` at the end allows a slash
/// there, which lists have.
package struct RoutePattern: Sendable, ExpressibleByStringLiteral, Equatable {
    /// What stands between two slashes, or between more.
    package enum Part: Sendable, Equatable {
        case literal(String)
        case segment(String)
        /// At most one in a pattern.
        case rest(String)
    }

    /// In the order of the path.
    package let parts: [Part]
    private let mayEndInSlash: Bool

    /// - Precondition: at most one part is of any length.
    package init(stringLiteral text: String) {
        mayEndInSlash = text.hasSuffix("/?")
        let bare = mayEndInSlash ? text.dropLast(2) : text[...]
        parts =
            bare.isEmpty
            ? []
            : bare.split(separator: "/", omittingEmptySubsequences: false).map { word in
                guard word.hasPrefix("{"), word.hasSuffix("}") else {
                    return .literal(String(word))
                }
                let name = word.dropFirst().dropLast()
                return name.hasSuffix("...")
                    ? .rest(String(name.dropLast(3))) : .segment(String(name))
            }
        precondition(
            parts.count { if case .rest = $0 { true } else { false } } <= 1,
            "a pattern has one part of any length"
        )
    }

    /// As the description of the API writes it: `mounts/{path}/tune`.
    package var text: String {
        parts.map { part in
            switch part {
            case .literal(let word): word
            case .segment(let name), .rest(let name): "{\(name)}"
            }
        }.joined(separator: "/")
    }

    /// What stands for something else, in order.
    package var names: [String] {
        parts.compactMap { part in
            switch part {
            case .literal: nil
            case .segment(let name), .rest(let name): name
            }
        }
    }

    /// The words before the first name, with a slash at their end where a name follows.
    package var literalPrefix: String {
        let words = parts.prefix { if case .literal = $0 { true } else { false } }
        let text = words.map { if case .literal(let word) = $0 { word } else { "" } }
            .joined(separator: "/")
        return words.count < parts.count && !text.isEmpty ? text + "/" : text
    }

    /// - Parameter path: without a slash at its beginning.
    package func matches(_ path: String) -> Bool {
        var words = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        if path.isEmpty { words = [] }
        if mayEndInSlash, words.count == parts.count + 1, words.last?.isEmpty ?? false {
            words.removeLast()
        }
        guard
            let rest = parts.firstIndex(where: { if case .rest = $0 { true } else { false } })
        else {
            return words.count == parts.count
                && zip(parts, words).allSatisfy { $0.matches($1) }
        }
        let tail = parts.count - rest - 1
        guard words.count >= parts.count, !words[rest].isEmpty else { return false }
        return zip(parts[..<rest], words).allSatisfy { $0.matches($1) }
            && zip(parts.suffix(tail), words.suffix(tail)).allSatisfy { $0.matches($1) }
    }
}

extension RoutePattern.Part {
    fileprivate func matches(_ word: Substring.UTF8View) -> Bool {
        switch self {
        case .literal(let text): text.utf8.elementsEqual(word)
        case .segment: !word.isEmpty
        case .rest: true
        }
    }
}

/// Paths below one place, and what can be done there.
package struct RouteTable: Sendable {
    /// In the order in which they are asked.
    package let endpoints: [Endpoint]

    package init(_ endpoints: [Endpoint]) { self.endpoints = endpoints }

    /// The first endpoint that a path belongs to and that can do this; for ``Operation/help`` the
    /// first that it belongs to.
    ///
    /// - Throws: ``EngineError/unsupportedPath``, ``EngineError/unsupportedOperation``.
    package func endpoint(
        _ path: String,
        _ operation: Operation
    ) throws(EngineError) -> Endpoint {
        var isKnown = false
        for endpoint in endpoints where endpoint.pattern.matches(path) {
            if operation == .help || endpoint.operations.contains(operation) { return endpoint }
            isKnown = true
        }
        throw isKnown ? .unsupportedOperation : .unsupportedPath
    }

    /// Whether any endpoint has this path.
    package func contains(_ path: String) -> Bool {
        endpoints.contains { $0.pattern.matches(path) }
    }
}
