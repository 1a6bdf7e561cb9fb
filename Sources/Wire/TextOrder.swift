/// Whether two texts are the same bytes.
///
/// Swift's `==` on strings follows Unicode equivalence ("é" has two spellings that are equal), so
/// it must not decide which key of an object or which path is meant.
package func utf8Equals(_ a: String, _ b: String) -> Bool {
    guard a.utf8.count == b.utf8.count else { return false }
    let first = a.utf8Span.span
    let second = b.utf8Span.span
    for position in 0..<first.count where first[position] != second[position] {
        return false
    }
    return true
}

/// Whether `a` comes before `b` in the order of their UTF-8 bytes, which is Go's order of strings.
package func utf8Precedes(_ a: String, _ b: String) -> Bool {
    let first = a.utf8Span.span
    let second = b.utf8Span.span
    for position in 0..<min(first.count, second.count) where first[position] != second[position] {
        return first[position] < second[position]
    }
    return first.count < second.count
}
