import Testing
import Wire

/// A conversation with a real OpenBao server, in the form of the API contract:
///
///     > POST g2/data/a {"data":{}}   [X-Vault-Wrap-TTL: x; Other: y]
///     < 200 ENV{"data":{…}}   (+ data members injected at top level)
///
/// `ENV{…}` is the standard envelope with only the members that differ from their defaults. Values
/// that vary are masked: `<time>`, `<uuid>`, `<accessor>`, `<any>`.
struct Transcript {
    struct Exchange {
        let line: Int
        let call: TestVault.Call
        let status: Int
        let body: Expected
        let isInjected: Bool
    }

    enum Expected {
        case empty
        case json(JSONValue)
        case envelope(JSONObject)
    }

    let exchanges: [Exchange]

    init(_ text: String) throws {
        var exchanges: [Exchange] = []
        var call: TestVault.Call?
        for (position, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.hasPrefix("> ") {
                call = try Self.call(String(line.dropFirst(2)))
            } else if line.hasPrefix("< ") {
                let asked = try #require(call, "line \(position + 1) answers nothing")
                exchanges.append(
                    try Self.exchange(position + 1, asked, String(line.dropFirst(2)))
                )
                call = nil
            }
        }
        self.exchanges = exchanges
    }

    private static func call(_ text: String) throws -> TestVault.Call {
        var text = text.split(separator: "   #")[0]
        var headers: [(String, String)] = []
        var token: String?
        if let bracket = text.range(of: "   [") {
            for part in text[bracket.upperBound...].dropLast().split(separator: ";") {
                if part.trimmed == "no token" {
                    token = ""
                    continue
                }
                let pair = part.split(separator: ":", maxSplits: 1)
                headers.append((pair[0].trimmed, pair.count > 1 ? pair[1].trimmed : ""))
            }
            text = text[..<bracket.lowerBound]
        }
        let parts = text.split(separator: " ", maxSplits: 2)
        return TestVault.Call(
            method: String(parts[0]),
            target: "/v1/" + parts[1],
            body: parts.count > 2 ? Array(parts[2].utf8) : [],
            headers: headers,
            token: token
        )
    }

    private static func exchange(
        _ line: Int,
        _ call: TestVault.Call,
        _ text: String
    ) throws -> Exchange {
        let isInjected = text.contains("   (+ data members")
        let text = isInjected ? String(text.split(separator: "   (+")[0]) : text
        let parts = text.split(separator: " ", maxSplits: 1)
        let status = try #require(Int(parts[0]))
        let rest = parts.count > 1 ? String(parts[1]) : "(empty)"
        let body: Expected
        if rest == "(empty)" {
            body = .empty
        } else if rest.hasPrefix("ENV") {
            let json = try JSONScanner.parse(Array(rest.utf8.dropFirst(3)))
            body = .envelope(try #require(json.asObject))
        } else {
            body = .json(try JSONScanner.parse(Array(rest.utf8)))
        }
        return Exchange(line: line, call: call, status: status, body: body, isInjected: isInjected)
    }
}

extension Transcript {
    /// Sends every request and compares every answer.
    ///
    /// - Returns: the answers.
    @discardableResult
    func play(on vault: TestVault) throws -> [TestVault.Answer] {
        var answers: [TestVault.Answer] = []
        for exchange in exchanges {
            let answer = try vault.send(exchange.call)
            answers.append(answer)
            let name: Comment = """
                line \(exchange.line): \(exchange.call.method) \(exchange.call.target) \
                answered \(answer.status) \(answer.text)
                """
            #expect(answer.status == exchange.status, name)
            switch exchange.body {
            case .empty:
                #expect(answer.body.isEmpty, name)
            case .json(let expected):
                #expect(matches(try answer.json(), expected), name)
            case .envelope(let members):
                try check(answer, members, isInjected: exchange.isInjected, name)
            }
        }
        return answers
    }

    private func check(
        _ answer: TestVault.Answer,
        _ members: JSONObject,
        isInjected: Bool,
        _ name: Comment
    ) throws {
        var all = try #require(try answer.json().asObject, name)
        if isInjected {
            let data = try #require(all["data"]?.asObject, name)
            let injected = all.members.prefix(data.count).map(\.name)
            #expect(injected == data.members.map(\.name), name)
            for (member, value) in data.members {
                #expect(all[member] == value, name)
                all[member] = nil
            }
        }
        let order = [
            "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info",
            "warnings", "auth",
        ]
        #expect(all.members.map(\.name) == order, name)
        let defaults: JSONObject = [
            "request_id": "<uuid>", "lease_id": "", "renewable": false, "lease_duration": 0,
            "data": nil, "wrap_info": nil, "warnings": nil, "auth": nil,
        ]
        for (member, value) in defaults.members {
            let expected = members[member] ?? value
            let have = all[member] ?? .null
            #expect(matches(have, expected), "\(name): member \(member)")
        }
    }
}

/// Whether a value is the expected one. Objects must have their names sorted, as Go writes maps.
func matches(_ have: JSONValue, _ expected: JSONValue) -> Bool {
    switch (have, expected) {
    case (_, .string("<any>")):
        return true
    case (.string(let text), .string("<time>")):
        return Timestamp(rfc3339: text) != nil
    case (.string(let text), .string("<uuid>")):
        return uuidBytes(text) != nil
    case (.string(let text), .string("<accessor>")):
        let parts = text.split(separator: "_")
        return parts.count >= 2 && Hex.decode(String(parts[parts.count - 1]))?.count == 4
    case (.array(let a), .array(let b)):
        return a.count == b.count && zip(a, b).allSatisfy { matches($0, $1) }
    case (.object(let a), .object(let b)):
        return a.count == b.count
            && a.members.allSatisfy { member in
                b[member.name].map { matches(member.value, $0) } ?? false
            }
    default:
        return have == expected
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// The first place of a text.
    fileprivate func range(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) {
                return start..<index(start, offsetBy: other.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
