import Glibc
import Logging
import Synchronization

/// Gathers what callbacks on other threads bring.
final class Collector<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func add(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
    var count: Int { elements.withLock { $0.count } }
}

/// A wait that took far longer than anything healthy does.
struct TookTooLong: Error, CustomStringConvertible {
    let description: String
}

/// Looks every few milliseconds until `condition` holds. It gives up only after both the time and
/// a number of looks: where other tests fill all threads, one look may come a minute after the
/// last, and says nothing yet about what is waited for.
func eventually(
    _ what: String,
    seconds: Int = 120,
    _ condition: () throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var looks = 0
    while try !condition() {
        looks += 1
        guard ContinuousClock.now < deadline || looks < 1_000 else {
            throw TookTooLong(description: what)
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Says only why the process ends, if it must.
let quietLogger: Logger = {
    var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .critical
    return logger
}()

/// A folder of its own for one test; removed with everything in it when the test ends.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        let root = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(root)/holdfast-node-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "no temporary folder")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func names(_ folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private static func remove(_ path: String) {
        // A link is removed, never followed.
        guard unsafe unlink(path) != 0 else { return }
        for name in names(path) { remove(path + "/" + name) }
        _ = unsafe rmdir(path)
    }
}
