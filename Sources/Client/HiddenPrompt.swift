import Glibc

/// Asks for a secret at a terminal without showing what is typed.
package enum HiddenPrompt {
    /// Longest line that is taken; 33 words are some 260 characters.
    private static let bytesMax = 4_096

    /// Shows `prompt`, reads one line, and erases the prompt again.
    ///
    /// The terminal is switched to single characters, so that Ctrl-C arrives as one and the old
    /// mode is restored on every way out.
    ///
    /// - Parameter device: a terminal's file.
    /// - Throws: ``LocalError/noTerminal``, ``LocalError/interrupted``,
    ///   ``LocalError/tooLarge(_:limit:)``.
    package static func read(
        _ prompt: String,
        at device: String = "/dev/tty"
    ) throws(LocalError) -> String {
        let descriptor = unsafe open(device, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .noTerminal }
        defer { _ = close(descriptor) }
        var old = termios()
        guard unsafe tcgetattr(descriptor, &old) == 0 else { throw .noTerminal }
        var quiet = old
        quiet.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG)
        guard unsafe tcsetattr(descriptor, TCSAFLUSH, &quiet) == 0 else { throw .noTerminal }
        defer {
            _ = unsafe tcsetattr(descriptor, TCSAFLUSH, &old)
            // To the start of the line, and erase it.
            _ = StandardStreams.write(Array("\r\u{1B}[K".utf8), to: descriptor)
        }
        _ = StandardStreams.write(Array(prompt.utf8), to: descriptor)
        var line: [UInt8] = []
        while let byte = nextByte(descriptor) {
            switch byte {
            case 0x0A, 0x0D: return String(decoding: line, as: UTF8.self)
            case 0x03: throw .interrupted
            case 0x04 where line.isEmpty: throw .interrupted
            case 0x08, 0x7F: _ = line.popLast()
            case 0x15: line.removeAll()
            default:
                line.append(byte)
                guard line.count <= bytesMax else {
                    throw .tooLarge("what was typed", limit: bytesMax)
                }
            }
        }
        throw .interrupted
    }

    private static func nextByte(_ descriptor: Int32) -> UInt8? {
        var byte: UInt8 = 0
        while true {
            let count = unsafe Glibc.read(descriptor, &byte, 1)
            if count == 1 { return byte }
            if count < 0, errno == EINTR { continue }
            return nil
        }
    }
}
