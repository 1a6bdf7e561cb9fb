/// The difference between two texts, line by line, in the unified format that people and tools
/// know.
///
/// - Source: Myers, "An O(ND) difference algorithm and its variations", 1986; the greedy form.
package struct LineDiff: Sendable, Equatable {
    /// One line of the result.
    private enum Edit: Equatable {
        case kept(String)
        case removed(String)
        case added(String)
    }

    /// Lines that only the new text has.
    package let addedCount: Int
    /// Lines that only the old text has.
    package let removedCount: Int
    /// Two lines of heading and the hunks, each with up to three lines around it; empty if the
    /// texts are the same.
    package let text: String

    /// Changed lines that are looked for before all of the old text counts as removed and all of
    /// the new one as added. Bounds the memory, which grows with its square.
    static let editsMax = 1_000
    private static let contextLines = 3

    /// - Parameters:
    ///   - names: of the old and the new text, for the heading.
    package init(from old: String, to new: String, names: (old: String, new: String)) {
        let edits = Self.edits(Self.lines(of: old), Self.lines(of: new))
        var (added, removed) = (0, 0)
        for edit in edits {
            switch edit {
            case .added: added += 1
            case .removed: removed += 1
            case .kept: break
            }
        }
        addedCount = added
        removedCount = removed
        let hunks = Self.hunks(edits)
        text = hunks.isEmpty ? "" : "--- \(names.old)\n+++ \(names.new)\n" + hunks
    }

    private static func lines(of text: String) -> [String] {
        var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: Array($0), as: UTF8.self) }
        // A line feed ends a line and begins none.
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    // MARK: Finding

    private static func edits(_ old: [String], _ new: [String]) -> [Edit] {
        let shorter = min(old.count, new.count)
        var head = 0
        while head < shorter, isSame(old[head], new[head]) { head += 1 }
        var tail = 0
        while tail < shorter - head,
            isSame(old[old.count - 1 - tail], new[new.count - 1 - tail])
        {
            tail += 1
        }
        let middle = middleEdits(
            Array(old[head..<(old.count - tail)]),
            Array(new[head..<(new.count - tail)])
        )
        return old[..<head].map { .kept($0) } + middle
            + old[(old.count - tail)...].map { .kept($0) }
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.elementsEqual(b.utf8)
    }

    private static func middleEdits(_ old: [String], _ new: [String]) -> [Edit] {
        guard let rounds = search(old, new) else {
            return old.map { .removed($0) } + new.map { .added($0) }
        }
        return walkBack(rounds, old, new)
    }

    /// The furthest line of `old` on each diagonal, before each round; nil past ``editsMax``.
    /// Diagonal `k` of round `d` is at `k + d`.
    private static func search(_ old: [String], _ new: [String]) -> [[Int]]? {
        let offset = editsMax + 1
        var furthest = [Int](repeating: 0, count: 2 * offset + 1)
        var rounds: [[Int]] = []
        for round in 0...min(editsMax, old.count + new.count) {
            rounds.append(Array(furthest[(offset - round - 1)...(offset + round + 1)]))
            for diagonal in stride(from: -round, through: round, by: 2) {
                let below = furthest[offset + diagonal + 1]
                let beside = furthest[offset + diagonal - 1]
                let isAddition = diagonal == -round || (diagonal != round && beside < below)
                var line = isAddition ? below : beside + 1
                while line < old.count, line - diagonal < new.count,
                    isSame(old[line], new[line - diagonal])
                {
                    line += 1
                }
                furthest[offset + diagonal] = line
                if line == old.count, line - diagonal == new.count { return rounds }
            }
        }
        return nil
    }

    private static func walkBack(
        _ rounds: [[Int]],
        _ old: [String],
        _ new: [String]
    ) -> [Edit] {
        var (line, other) = (old.count, new.count)
        var edits: [Edit] = []
        for round in rounds.indices.reversed() {
            let furthest = rounds[round]
            let diagonal = line - other
            let below = furthest[diagonal + 1 + round + 1]
            let beside = furthest[diagonal - 1 + round + 1]
            let isAddition = diagonal == -round || (diagonal != round && beside < below)
            let start = round == 0 ? 0 : isAddition ? below : beside
            let startOther = round == 0 ? 0 : start - (isAddition ? diagonal + 1 : diagonal - 1)
            let isEdit = round > 0
            while line > start + (isEdit && !isAddition ? 1 : 0),
                other > startOther + (isEdit && isAddition ? 1 : 0)
            {
                (line, other) = (line - 1, other - 1)
                edits.append(.kept(old[line]))
            }
            guard isEdit else { continue }
            if isAddition {
                other -= 1
                edits.append(.added(new[other]))
            } else {
                line -= 1
                edits.append(.removed(old[line]))
            }
        }
        return edits.reversed()
    }

    // MARK: Writing

    private static func hunks(_ edits: [Edit]) -> String {
        let changed = edits.indices.filter { index in
            if case .kept = edits[index] { false } else { true }
        }
        guard var first = changed.first else { return "" }
        var text = ""
        var last = first
        var (oldLine, newLine, position) = (1, 1, 0)
        func write(_ start: Int, _ end: Int) {
            advance(&oldLine, &newLine, edits[position..<start])
            let hunk = edits[start..<end]
            text += heading(hunk, oldLine, newLine)
            for edit in hunk { text += line(edit) }
            advance(&oldLine, &newLine, hunk)
            position = end
        }
        for index in changed.dropFirst() {
            if index - last > 2 * contextLines {
                write(max(0, first - contextLines), last + contextLines + 1)
                first = index
            }
            last = index
        }
        write(max(0, first - contextLines), min(edits.count, last + contextLines + 1))
        return text
    }

    private static func advance(
        _ oldLine: inout Int,
        _ newLine: inout Int,
        _ edits: ArraySlice<Edit>
    ) {
        for edit in edits {
            switch edit {
            case .kept: (oldLine, newLine) = (oldLine + 1, newLine + 1)
            case .removed: oldLine += 1
            case .added: newLine += 1
            }
        }
    }

    /// `@@ -3,7 +3,8 @@`. An empty side is named by the line before it.
    private static func heading(_ hunk: ArraySlice<Edit>, _ oldLine: Int, _ newLine: Int) -> String
    {
        var (oldCount, newCount) = (0, 0)
        advance(&oldCount, &newCount, hunk)
        let oldStart = oldCount == 0 ? oldLine - 1 : oldLine
        let newStart = newCount == 0 ? newLine - 1 : newLine
        return "@@ -\(oldStart),\(oldCount) +\(newStart),\(newCount) @@\n"
    }

    private static func line(_ edit: Edit) -> String {
        switch edit {
        case .kept(let text): " \(text)\n"
        case .removed(let text): "-\(text)\n"
        case .added(let text): "+\(text)\n"
        }
    }
}
