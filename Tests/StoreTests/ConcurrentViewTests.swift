import Glibc
import Store
import Synchronization
import TestSupport
import Testing

@Suite("Views while applying")
struct ConcurrentViewTests {
    /// Entry n writes n into all ten records. A view that mixes two moments sees two numbers.
    @Test("a view sees one moment while another thread applies, prunes and truncates")
    func consistent() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(600)
        try store.commit((0..<10).map { .put(key(1, $0), record("1")) })
        let isDone = Atomic<Bool>(false)
        let faults = Mutex<[String]>([])
        let views = Atomic<Int>(0)
        let reader: @Sendable () -> Void = {
            while !isDone.load(ordering: .acquiring) {
                do {
                    try store.view { (view) throws in
                        let index = "\(view.evaluatedIndex)"
                        var values = Set<String>()
                        try view.scan(prefix(1)) { _, record in
                            values.insert(String(decoding: record.valueBox, as: UTF8.self))
                            return true
                        }
                        let last = try view.record(key(1, 9)).map {
                            String(decoding: $0.valueBox, as: UTF8.self)
                        }
                        if values != [index] || last != index {
                            faults.withLock { $0.append("\(index): \(values)") }
                        }
                    }
                } catch {
                    faults.withLock { $0.append("\(error)") }
                }
                views.wrappingAdd(1, ordering: .relaxed)
            }
        }
        let evaluator: @Sendable () -> Void = {
            do {
                for index in UInt64(2)...500 {
                    let writes = (0..<10).map { BatchOperation.put(key(1, $0), record("\(index)")) }
                    try store.commit(writes)
                }
            } catch {
                faults.withLock { $0.append("\(error)") }
            }
            isDone.store(true, ordering: .releasing)
        }
        // This thread wrote first, so it is the writer: evaluation and reading go on beside it.
        let threads = [evaluator, reader, reader].map { TestThread($0) }
        var applied: UInt64 = 0
        while !isDone.load(ordering: .acquiring) {
            let evaluated = store.view { $0.evaluatedIndex }
            guard evaluated > applied else { continue }
            applied = evaluated
            try store.applyThrough(applied)
            try store.write { (transaction) throws(StoreError) in
                _ = try transaction.dropLog(through: applied, entriesMax: 50)
            }
        }
        threads.forEach { $0.join() }
        #expect(faults.withLock { $0 } == [])
        #expect(views.load(ordering: .relaxed) > 0)
    }

    @Test("more views than slots wait for each other")
    func manyViews() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.readersMax = 2
        let store = try folder.open(options)
        try store.fillLog(10)
        try store.commit([.put(key(1, 1), record("x"))])
        let seen = Atomic<Int>(0)
        let body: @Sendable () -> Void = {
            for _ in 0..<50 {
                store.view { (view) in
                    if (try? view.contains(key(1, 1))) == true {
                        seen.wrappingAdd(1, ordering: .relaxed)
                    }
                    usleep(50)
                }
            }
        }
        (0..<5).map { _ in TestThread(body) }.forEach { $0.join() }
        #expect(seen.load(ordering: .relaxed) == 250)
    }

    @Test("an alias works inside the closure")
    func aliasInside() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(10)
        try store.commit([.put(key(1, 1), record("x"))])
        try store.view { (view) throws in
            let other = view.alias()
            #expect(try other.record(key(1, 1))?.valueBox == Array("x".utf8))
            #expect(other.evaluatedIndex == 1)
        }
    }

    @Test("an alias used after its closure returned ends the process")
    func aliasOutside() async {
        await #expect(processExitsWith: .failure) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            let kept = store.view { $0.alias() }
            _ = kept.evaluatedIndex
        }
    }
}
