import TestSupport
import Testing

@testable import Policy

@Suite("line diffs")
struct LineDiffTests {
    private func diff(_ old: [String], _ new: [String]) -> LineDiff {
        LineDiff(
            from: old.map { $0 + "\n" }.joined(),
            to: new.map { $0 + "\n" }.joined(),
            names: ("a", "b")
        )
    }

    @Test("equal texts have none")
    func equal() {
        for text in ["", "x", "x\n", "\n\n", "a\nb\n"] {
            let diff = LineDiff(from: text, to: text, names: ("a", "b"))
            #expect(diff.text.isEmpty && diff.addedCount == 0 && diff.removedCount == 0)
        }
    }

    @Test("one line changed, with three lines around it")
    func one() {
        let old = (1...9).map { "line \($0)" }
        var new = old
        new[4] = "other"
        let expected = """
            --- a
            +++ b
            @@ -2,7 +2,7 @@
             line 2
             line 3
             line 4
            -line 5
            +other
             line 6
             line 7
             line 8

            """
        let diff = diff(old, new)
        #expect(diff.text == expected)
        #expect(diff.addedCount == 1 && diff.removedCount == 1)
    }

    @Test("changes far apart are hunks of their own, near ones are one")
    func hunks() {
        let old = (1...40).map { "line \($0)" }
        var new = old
        new[2] = "x"
        new[8] = "y"
        new.insert("z", at: 30)
        let text = diff(old, new).text
        let headings = text.split(separator: "\n").filter { $0.hasPrefix("@@") }
        #expect(headings == ["@@ -1,12 +1,12 @@", "@@ -28,6 +28,7 @@"])
    }

    @Test("from nothing, and to nothing")
    func empty() {
        #expect(diff([], ["x"]).text == "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n")
        #expect(diff(["x"], []).text == "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n")
    }

    @Test("texts that have next to nothing in common are replaced")
    func replaced() {
        let count = LineDiff.editsMax
        let diff = diff((0...count).map { "a\($0)" }, (0...count).map { "b\($0)" })
        #expect(diff.addedCount == count + 1 && diff.removedCount == count + 1)
    }

    /// Whatever the texts are, the hunks turn the old one into the new one, and no shorter way is
    /// known to the plainest method there is.
    @Test("patching gives the new text, in as few lines as possible", arguments: 0..<300)
    func property(seed: Int) throws {
        var random = Seeded(UInt64(seed))
        let old = (0..<Int.random(in: 0...14, using: &random)).map { _ in
            String(UInt8.random(in: 97...100, using: &random))
        }
        var new = old
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            let position = Int.random(in: 0...new.count, using: &random)
            if Bool.random(using: &random), position < new.count {
                new.remove(at: position)
            } else {
                new.insert(String(UInt8.random(in: 97...100, using: &random)), at: position)
            }
        }
        let diff = diff(old, new)
        #expect(try patched(old, diff.text) == new)
        let common = longestCommon(old, new)
        #expect(diff.removedCount == old.count - common)
        #expect(diff.addedCount == new.count - common)
    }

    private func patched(_ old: [String], _ diff: String) throws -> [String] {
        var result: [String] = []
        var position = 0
        for line in diff.split(separator: "\n").dropFirst(2) {
            let rest = String(line.dropFirst())
            switch line.first {
            case "@":
                let range = try #require(line.split(separator: " ").dropFirst().first)
                let numbers = range.dropFirst().split(separator: ",").compactMap { Int($0) }
                let start = numbers[1] == 0 ? numbers[0] : numbers[0] - 1
                result += old[position..<start]
                position = start
            case " ", "-":
                #expect(old[position] == rest)
                if line.first == " " { result.append(rest) }
                position += 1
            case "+": result.append(rest)
            default: Issue.record("a line that no diff has: \(line)")
            }
        }
        return result + old[position...]
    }

    private func longestCommon(_ a: [String], _ b: [String]) -> Int {
        var row = [Int](repeating: 0, count: b.count + 1)
        for left in a {
            var diagonal = 0
            for (position, right) in b.enumerated() {
                let above = row[position + 1]
                row[position + 1] = left == right ? diagonal + 1 : max(above, row[position])
                diagonal = above
            }
        }
        return row[b.count]
    }
}
