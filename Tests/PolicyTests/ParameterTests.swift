import Testing
import Wire

@testable import Policy

/// `1.0`, which is the number 1 in another spelling.
private let decimalOne = JSONNumber(text: "1.0").map { JSONValue.number($0) } ?? .null

private let minusZero = JSONNumber(text: "-0").map { JSONValue.number($0) } ?? .null

@Suite("rules about parameters, wrapping and pages")
struct ParameterTests {
    static let cases: [(rule: String, parameters: JSONObject, expected: Decision.Reason)] = [
        ("", ["a": 1], .granted),
        ("required_parameters = [\"A\"]", ["a": nil], .granted),
        ("required_parameters = [\"a\", \"b\"]", ["a": 1], .parameterMissing("b")),
        ("required_parameters = [\"a\"]", ["A": 1], .parameterMissing("a")),
        ("required_parameters = [\"a\"]", [:], .parameterMissing("a")),
        ("denied_parameters = { \"a\" = [] }", ["A": 1], .parameterDenied("a")),
        ("denied_parameters = { \"a\" = [\"x\"] }", ["a": "y"], .granted),
        ("denied_parameters = { \"a\" = [\"x*\"] }", ["a": "xyz"], .parameterDenied("a")),
        (
            "denied_parameters = { \"a\" = [1] }", ["a": decimalOne],
            .parameterDenied("a")
        ),
        ("denied_parameters = { \"*\" = [] }", ["b": 1], .parameterDenied("b")),
        ("denied_parameters = { \"*\" = [] }", [:], .granted),
        ("allowed_parameters = {}", ["b": 1], .granted),
        ("allowed_parameters = { \"a\" = [] }", ["a": 9], .granted),
        ("allowed_parameters = { \"a\" = [] }", ["a": 9, "b": 1], .parameterNotAllowed("b")),
        ("allowed_parameters = { \"a\" = [\"*x*\"] }", ["a": "axb"], .granted),
        ("allowed_parameters = { \"a\" = [\"*x\"] }", ["a": "axb"], .parameterNotAllowed("a")),
        ("allowed_parameters = { \"a\" = [\"x\"], \"*\" = [] }", ["b": 1, "a": "x"], .granted),
        (
            "allowed_parameters = { \"a\" = [\"x\"], \"*\" = [] }", ["a": "y"],
            .parameterNotAllowed("a")
        ),
        ("allowed_parameters = { \"a\" = [[1, 2]] }", ["a": [1, 2]], .granted),
        ("allowed_parameters = { \"a\" = [[1, 2]] }", ["a": [2, 1]], .parameterNotAllowed("a")),
        ("allowed_parameters = { \"a\" = [true] }", ["a": true], .granted),
        ("allowed_parameters = { \"a\" = [\"*\"] }", ["a": "x"], .parameterNotAllowed("a")),
        ("allowed_parameters = { \"a\" = [\"*\"] }", ["a": "*"], .granted),
        (
            "denied_parameters = { \"a\" = [[1]] }", ["a": [decimalOne]],
            .parameterDenied("a")
        ),
        (
            "denied_parameters = { \"a\" = [{ \"b\" = 1 }] }", ["a": ["b": decimalOne]],
            .parameterDenied("a")
        ),
        ("denied_parameters = { \"a\" = [0] }", ["a": minusZero], .parameterDenied("a")),
        (
            "allowed_parameters = { \"a\" = [9007199254740992] }", ["a": 9_007_199_254_740_993],
            .parameterNotAllowed("a")
        ),
        (
            "allowed_parameters = { \"a\" = [] } denied_parameters = { \"a\" = [\"x\"] }",
            ["a": "x"], .parameterDenied("a")
        ),
    ]

    @Test("parameters", arguments: cases)
    func parameters(
        _ rule: String,
        _ parameters: JSONObject,
        _ expected: Decision.Reason
    ) throws {
        let list = try accessList("path \"p\" { capabilities = [\"update\", \"delete\"] \(rule) }")
        #expect(list.decide(.update, "p", parameters) == expected)
        #expect(list.decide(.delete, "p", parameters) == .granted)
    }

    @Test("of several policies, values are joined, and no list means any value")
    func merging() throws {
        let joined = try accessList(
            "path \"p\" { capabilities = [\"update\"] allowed_parameters = { \"a\" = [\"x\"] } }",
            "path \"p\" { allowed_parameters = { \"a\" = [\"y\"], \"b\" = [] } }",
            "path \"p\" { capabilities = [\"update\"] }"
        )
        #expect(joined.decide(.update, "p", ["a": "x", "b": 3]) == .granted)
        #expect(joined.decide(.update, "p", ["a": "y"]) == .granted)
        #expect(joined.decide(.update, "p", ["a": "z"]) == .parameterNotAllowed("a"))
        #expect(joined.decide(.update, "p", ["c": "z"]) == .parameterNotAllowed("c"))
        let opened = try accessList(
            "path \"p\" { capabilities = [\"update\"] allowed_parameters = { \"a\" = [\"x\"] } }",
            "path \"p\" { allowed_parameters = { \"a\" = [] } }"
        )
        #expect(opened.decide(.update, "p", ["a": "z"]) == .granted)
    }

    @Test(
        "wrapping",
        arguments: [
            (nil, false), (0, false), (4, false), (5, true), (9, true),
            (10, false),
        ] as [(UInt64?, Bool)]
    )
    func wrapping(_ seconds: UInt64?, _ isAllowed: Bool) throws {
        let list = try accessList(
            "path \"p\" { capabilities = [\"read\"] min_wrapping_ttl = 5 max_wrapping_ttl = 9 }"
        )
        var request = AccessRequest(.read, "p")
        request.wrappingSeconds = seconds
        #expect(list.decide(request).reason == (isAllowed ? .granted : .wrapping(min: 5, max: 9)))
    }

    @Test("of several policies the smaller bounds count, and they can leave no time at all")
    func wrappingTogether() throws {
        let rule = "path \"p\" { capabilities = [\"read\"] "
        let list = try accessList(
            rule + "min_wrapping_ttl = 9 }",
            rule + "max_wrapping_ttl = 5 }",
            rule + "max_wrapping_ttl = 7 }"
        )
        for seconds in [nil, 4, 5, 7, 9, 10] as [UInt64?] {
            var request = AccessRequest(.read, "p")
            request.wrappingSeconds = seconds
            #expect(list.decide(request).reason == .wrapping(min: 9, max: 5))
        }
    }

    @Test("pages")
    func pages() throws {
        let list = try accessList("path \"p\" { capabilities = [\"list\"] pagination_limit = 5 }")
        let allowed: [JSONObject] = [[:], ["limit": 5], ["limit": "max"], ["limit": "0"]]
        for parameters in allowed {
            var request = AccessRequest(.list, "p")
            request.parameters = parameters
            let decision = list.decide(request)
            #expect(decision.isAllowed && decision.pageLimit == 5)
        }
        let refused: [JSONObject] = [["limit": 6], ["limit": -1], ["limit": "x"], ["limit": [1]]]
        for parameters in refused {
            #expect(list.decide(.list, "p", parameters) == .pageTooLong(limit: 5))
        }
        let strict = try accessList(
            """
            path "p" {
              capabilities = ["list"] pagination_limit = 5 required_parameters = ["limit"]
            }
            """
        )
        #expect(strict.decide(.list, "p", [:]) == .parameterMissing("limit"))
    }
}
