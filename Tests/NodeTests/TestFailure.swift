/// Something that a test did not expect, and cannot go on after.
struct TestFailure: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
