import CFaults
import Glibc

/// One thing that a process did to its files, as the layer in `Tests/Faults` recorded it.
struct TraceEvent {
    enum Action {
        case create(file: Int, path: String)
        case write(file: Int, offset: Int, data: ArraySlice<UInt8>, isDurable: Bool)
        case sync(file: Int)
        case syncFolder(path: String)
        case truncate(file: Int, size: Int)
        case extend(file: Int, size: Int)
        case rename(from: String, to: String)
        case unlink(path: String)
        case mark(Int)
        case syncMap
        case injected
    }

    let action: Action
}

/// A whole recording, in order.
package struct Trace {
    let events: [TraceEvent]

    /// Reads one.
    ///
    /// - Precondition: the file is a whole trace; it was written by this process.
    package init(path: String) {
        let bytes = readWhole(path)
        var events: [TraceEvent] = []
        var position = 0
        let headerBytes = MemoryLayout<faults_record>.size
        while position < bytes.count {
            precondition(position + headerBytes <= bytes.count, "trace ends inside a header")
            let header = unsafe bytes.withUnsafeBytes {
                unsafe $0.loadUnaligned(fromByteOffset: position, as: faults_record.self)
            }
            let start = position + headerBytes
            position = start + Int(header.data_bytes)
            precondition(position <= bytes.count, "trace ends inside data")
            if let action = Self.action(header, bytes[start..<position]) {
                events.append(TraceEvent(action: action))
            }
        }
        self.events = events
    }

    /// Whether a fault was injected.
    package var hasFault: Bool { firstFault < events.count }

    /// How many syncs followed the first fault: a failed one that was tried
    /// again would be among them.
    package var barriersAfterFault: Int {
        events.dropFirst(firstFault).count { event in
            switch event.action {
            case .sync, .syncFolder: true
            default: false
            }
        }
    }

    private var firstFault: Int {
        events.firstIndex {
            if case .injected = $0.action { return true }
            return false
        } ?? events.count
    }

    private static func action(
        _ header: faults_record,
        _ data: ArraySlice<UInt8>
    ) -> TraceEvent.Action? {
        let file = Int(header.file)
        let offset = Int(header.offset)
        let text = String(decoding: data, as: UTF8.self)
        switch faults_kind(rawValue: header.kind) {
        case FAULTS_CREATE: return .create(file: file, path: text)
        case FAULTS_WRITE:
            let isDurable = header.flags & FAULTS_DSYNC.rawValue != 0
            return .write(file: file, offset: offset, data: data, isDurable: isDurable)
        case FAULTS_SYNC:
            let isFolder = header.flags & FAULTS_DIRECTORY.rawValue != 0
            return isFolder ? .syncFolder(path: text) : .sync(file: file)
        case FAULTS_TRUNCATE: return .truncate(file: file, size: offset)
        case FAULTS_EXTEND: return .extend(file: file, size: offset)
        case FAULTS_RENAME:
            let names = data.split(separator: 0, omittingEmptySubsequences: false)
            precondition(names.count == 2, "a rename has two paths")
            return .rename(
                from: String(decoding: names[0], as: UTF8.self),
                to: String(decoding: names[1], as: UTF8.self)
            )
        case FAULTS_UNLINK: return .unlink(path: text)
        case FAULTS_MARK: return .mark(offset)
        case FAULTS_MSYNC: return .syncMap
        case FAULTS_INJECTED: return .injected
        default: preconditionFailure("unknown record \(header.kind) in a trace")
        }
    }
}

/// The whole of a file that is there.
func readWhole(_ path: String) -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    precondition(file >= 0, "cannot open \(path)")
    defer { _ = close(file) }
    var status = stat()
    precondition(unsafe fstat(file, &status) == 0, "cannot look at \(path)")
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(file, $0.baseAddress?.advanced(by: done), $0.count - done)
        }
        precondition(count > 0, "cannot read \(path)")
        done += count
    }
    return bytes
}
