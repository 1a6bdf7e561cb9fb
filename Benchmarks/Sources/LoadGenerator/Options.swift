/// Reads `--name value` pairs. Every option may be given more than once; the reader decides.
package struct Options {
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String
        package init(_ description: String) { self.description = description }
    }

    private var values: [String: [String]] = [:]
    private var used: Set<String> = []

    package init(_ arguments: some Sequence<String>) throws(Failure) {
        var iterator = arguments.makeIterator()
        while let name = iterator.next() {
            guard name.hasPrefix("--") else {
                throw Failure("\(name) is not an option; options look like --name value")
            }
            guard let value = iterator.next() else { throw Failure("\(name) needs a value") }
            values[String(name.dropFirst(2)), default: []].append(value)
        }
    }

    package mutating func all(_ name: String) -> [String] {
        used.insert(name)
        return values[name] ?? []
    }

    package mutating func last(_ name: String) -> String? { all(name).last }

    package mutating func integer(_ name: String, default fallback: Int) throws(Failure) -> Int {
        guard let text = last(name) else { return fallback }
        guard let number = Int(text), number >= 0 else {
            throw Failure("--\(name) \(text): a number from 0 is needed")
        }
        return number
    }

    /// Seconds with a fraction, as milliseconds.
    package mutating func milliseconds(
        _ name: String,
        default fallback: Int
    ) throws(Failure) -> Int {
        guard let text = last(name) else { return fallback }
        guard let seconds = Double(text), seconds >= 0, seconds < 86_400 else {
            throw Failure("--\(name) \(text): a number of seconds is needed")
        }
        return Int((seconds * 1_000).rounded())
    }

    /// Throws if an option was given that nobody asked for.
    package func finish() throws(Failure) {
        let unknown = values.keys.filter { !used.contains($0) }.sorted()
        if let name = unknown.first { throw Failure("--\(name) is not an option of this mode") }
    }
}
