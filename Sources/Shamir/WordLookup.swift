/// Looking words up in the list. Not in constant time: a share is typed once, at its holder's hand,
/// and which word is searched shows in no network's timing.
extension WordList {
    /// The value of the word in `range` of `text`, letters of either case; nil if it is not listed.
    static func value(of text: Span<UInt8>, _ range: Range<Int>) -> UInt16? {
        guard (4...8).contains(range.count) else { return nil }
        var wanted: UInt64 = 0
        for offset in 0..<8 {
            let isInside = offset < range.count
            wanted = wanted << 8 | (isInside ? lowered(text[range.lowerBound + offset]) : 0)
        }
        var low = 0
        var high = packed.count
        while low < high {
            let middle = (low + high) / 2
            if packed[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        guard low < packed.count, packed[low] == wanted else { return nil }
        return UInt16(low)
    }

    /// The listed word that takes the fewest edits to reach; the first in the list among equals.
    static func nearest(to text: Span<UInt8>, _ range: Range<Int>) -> String {
        // Beyond 12 letters the rest cannot change which word is nearest by much.
        let typed = range.prefix(12).map { UInt8(lowered(text[$0])) }
        var best = 0
        var bestEdits = Int.max
        for (position, word) in packed.enumerated() {
            let edits = edits(from: typed, to: Array(letters(word).utf8))
            if edits < bestEdits { (best, bestEdits) = (position, edits) }
        }
        return word(UInt16(best))
    }

    /// Levenshtein distance: insertions, deletions and replacements.
    private static func edits(from typed: [UInt8], to word: [UInt8]) -> Int {
        var row = Array(0...word.count)
        for (position, letter) in typed.enumerated() {
            var diagonal = row[0]
            row[0] = position + 1
            for column in word.indices {
                let replaced = diagonal + (word[column] == letter ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[word.count]
    }

    private static func lowered(_ byte: UInt8) -> UInt64 {
        UInt64((0x41...0x5a).contains(byte) ? byte | 0x20 : byte)
    }
}
