// Checks a recorded history of client operations, for tests outside this package's language.
//
//   history-check FILE                 one operation a line; see HistoryLines for the members
//   history-check --generate N KEYS    instead of a file: N operations on KEYS keys, made here by
//                                      overlapping clients of one real register; to measure speed
//
// Prints the verdict. Exit codes: 0 linearizable and no stale read too old, 1 violated,
// 2 undecided, 64 usage, 65 unreadable.

import Glibc
import History

func complain(_ text: String) {
    let bytes = Array("history-check: \(text)\n".utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
}

func contents(of path: String) -> [UInt8]? {
    guard let stream = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = unsafe chunk.withUnsafeMutableBytes { buffer in
            unsafe fread(buffer.baseAddress, 1, buffer.count, stream)
        }
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

func judge(_ operations: [Operation]) throws -> Int32 {
    let clock = ContinuousClock()
    let began = clock.now
    let verdict = try LinearizabilityChecker().check(operations)
    let seconds = (clock.now - began) / .seconds(1)
    let rate = Int(Double(operations.count) / max(seconds, 0.000_001))
    print("\(operations.count) operations, \(rate) a second")
    let stale = try StaleReadChecker.findings(in: operations)
    for finding in stale {
        print(finding)
    }
    switch verdict {
    case .linearizable:
        print(stale.isEmpty ? "linearizable" : "linearizable, but stale reads are too old")
        return stale.isEmpty ? 0 : 1
    case .violated(let explanation):
        print("VIOLATED\n\(explanation)")
        return 1
    case .undecided(let keys):
        print("undecided: \(keys.joined(separator: ", "))")
        return stale.isEmpty ? 2 : 1
    }
}

let arguments = CommandLine.arguments.dropFirst()
do {
    if arguments.count == 3, arguments.first == "--generate",
        let count = Int(arguments[2]), let keys = Int(arguments[3]), count >= 0, keys >= 1
    {
        exit(try judge(SampleHistory(seed: 1).operations(count: count, keyCount: keys)))
    }
    guard arguments.count == 1, let path = arguments.first else {
        complain("usage: history-check FILE | history-check --generate COUNT KEYS")
        exit(64)
    }
    guard let bytes = contents(of: path) else {
        complain("cannot read \(path)")
        exit(65)
    }
    exit(try judge(HistoryLines.parse(bytes)))
} catch {
    complain("\(error)")
    exit(65)
}
