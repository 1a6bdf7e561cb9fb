/// One line of JSON, members in the order in which they were added.
package struct Report {
    private var members: [String] = []

    package init() {}

    package mutating func add(_ name: String, _ text: String) {
        members.append("\(Self.quoted(name)):\(Self.quoted(text))")
    }

    package mutating func add(_ name: String, _ number: Int) {
        members.append("\(Self.quoted(name)):\(number)")
    }

    package mutating func add(_ name: String, _ flag: Bool) {
        members.append("\(Self.quoted(name)):\(flag)")
    }

    /// A number of milliseconds or seconds, written with three decimals; nil becomes null.
    package mutating func add(_ name: String, thousandths: Int?) {
        let text = thousandths.map(Self.decimal) ?? "null"
        members.append("\(Self.quoted(name)):\(text)")
    }

    /// Pairs of such numbers, as an array of arrays.
    package mutating func add(_ name: String, thousandths pairs: [(Int, Int)]) {
        let inner = pairs.map { "[\(Self.decimal($0)),\(Self.decimal($1))]" }
        members.append("\(Self.quoted(name)):[\(inner.joined(separator: ","))]")
    }

    package mutating func add(_ name: String, _ counts: [String: Int]) {
        let sorted = counts.sorted { $0.key < $1.key }
        let inner = sorted.map { "\(Self.quoted($0.key)):\($0.value)" }
        members.append("\(Self.quoted(name)):{\(inner.joined(separator: ","))}")
    }

    package mutating func add(_ name: String, _ latency: LatencySummary?) {
        guard let latency else {
            members.append("\(Self.quoted(name)):null")
            return
        }
        members.append(
            "\(Self.quoted(name)):{\"p50\":\(latency.p50),\"p95\":\(latency.p95),"
                + "\"p99\":\(latency.p99),\"max\":\(latency.max)}"
        )
    }

    package var line: String { "{\(members.joined(separator: ","))}" }

    private static func decimal(_ thousandths: Int) -> String {
        "\(thousandths / 1_000).\(String(thousandths % 1_000 + 1_000).dropFirst())"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case let scalar where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
