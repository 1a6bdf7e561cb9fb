import Synchronization

/// Gathers what callbacks on other threads bring.
package final class Collector<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    /// With nothing in it.
    package init() {}

    /// Adds at the end.
    package func add(_ element: Element) { elements.withLock { $0.append(element) } }

    /// Everything so far, in order.
    package var all: [Element] { elements.withLock { $0 } }

    /// How many so far.
    package var count: Int { elements.withLock { $0.count } }
}
