import Testing

@testable import Barrier

@Suite("paths")
struct PathTests {
    @Test("a path knows its directory, its name and its folders")
    func parts() throws {
        let path = try BarrierPath("a/bc/d")
        #expect(Array(path.directory) == Array("a/bc/".utf8))
        #expect(Array(path.name) == Array("d".utf8))
        #expect(path.folders.map { Array($0.path) } == [Array("a/".utf8), Array("a/bc/".utf8)])
        #expect(path.folders.map { Array($0.parent) } == [[], Array("a/".utf8)])
        #expect(path.folders.map { Array($0.name) } == [Array("a/".utf8), Array("bc/".utf8)])
        let top = try BarrierPath("top")
        #expect(top.directory.isEmpty && top.folders.isEmpty)
    }

    @Test("a wrong path says what is wrong with it")
    func wrong() {
        let tooLong = String(repeating: "x", count: BarrierLimits.pathBytesMax + 1)
        let tooDeep = String(repeating: "x/", count: 2_049) + "x"
        #expect(throws: BarrierError.pathEmpty) { try BarrierPath("") }
        #expect(throws: BarrierError.pathTooLong(have: 4_161, limit: 4_160)) {
            try BarrierPath(tooLong)
        }
        for path in ["/", "/a", "a/", "a//b", "//", tooDeep] {
            let error = barrierError { _ = try BarrierPath(path) }
            guard case .pathMalformed = error else {
                Issue.record("\(path.prefix(20)): \(String(describing: error))")
                continue
            }
        }
    }

    @Test("a directory is empty or ends in a slash")
    func directories() throws {
        #expect(try BarrierPath.directory("") == [])
        #expect(try BarrierPath.directory("a/b/") == Array("a/b/".utf8))
        #expect(throws: BarrierError.self) { try BarrierPath.directory("a") }
        #expect(throws: BarrierError.self) { try BarrierPath.directory("/") }
        #expect(throws: BarrierError.self) { try BarrierPath.directory("a//") }
    }

    @Test("dots, spaces, NUL and both spellings of an accent are just bytes")
    func bytes() throws {
        for path in ["..", "../..", ".", " ", "a/\u{0}", "caf\u{E9}", "cafe\u{301}"] {
            #expect(try BarrierPath(path).bytes == Array(path.utf8))
        }
    }
}
