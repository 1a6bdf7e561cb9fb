import Glibc

/// A wait that took far longer than anything healthy does.
package struct TookTooLong: Error, CustomStringConvertible {
    /// What was waited for.
    package let description: String

    /// - Parameter description: what was waited for.
    package init(description: String) {
        self.description = description
    }
}

/// Looks every few milliseconds until `condition` holds. It gives up only after both the time and
/// a number of looks: where other tests fill all threads, one look may come a minute after the
/// last, and says nothing yet about what is waited for.
///
/// - Throws: ``TookTooLong``, or what `condition` throws.
package func eventually(
    _ what: String,
    seconds: Int = 120,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var looks = 0
    while try await !condition() {
        looks += 1
        guard ContinuousClock.now < deadline || looks < 1_000 else {
            throw TookTooLong(description: what)
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// The same on one thread, for tests that must stay on theirs.
package func eventuallyBlocking(
    _ what: String,
    seconds: Int = 120,
    _ condition: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw TookTooLong(description: what) }
        usleep(2_000)
    }
}
