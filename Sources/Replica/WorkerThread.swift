import Glibc

/// A named operating-system thread that runs one closure to its end.
///
/// Not a task: these threads block in the disk, and two blocked tasks would stop the cooperative
/// pool of a two-core machine, heartbeats included.
enum WorkerThread {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a detached thread.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes are shown by the system.
    ///   - isLowPriority: others come first when processors are short.
    ///   - run: the thread ends when it returns.
    static func start(
        name: String,
        isLowPriority: Bool = false,
        run: @escaping @Sendable () -> Void
    ) {
        let body = Body(name: String(name.prefix(15))) {
            // On Linux a thread has a niceness of its own. Refused or not, the work is paced.
            if isLowPriority { _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10) }
            run()
        }
        let retained = unsafe Unmanaged.passRetained(body).toOpaque()
        let code = unsafe create(retained)
        precondition(code == 0, "the system refused a thread: error \(code)")
    }

    private static func create(_ retained: UnsafeMutableRawPointer) -> Int32 {
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, main, retained)
        if code == 0 { pthread_detach(thread) }
        return code
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
        { argument in
            guard let argument = unsafe argument else { return nil }
            let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
            setName(body.name)
            body.run()
            return nil
        }

    /// Names the calling thread for profilers and debuggers; nothing depends on it.
    private static func setName(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        let bytes = Array(name.utf8)
        _ = unsafe write(file, bytes, bytes.count)
        _ = close(file)
    }
}
