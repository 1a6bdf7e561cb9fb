import Client
import Glibc
import NIOCore
import NIOPosix
import Testing

/// A terminal whose keyboard and screen are in the test's hands.
private struct FakeTerminal {
    let keyboard: Int32
    let device: String

    /// TIOCSPTLCK and TIOCGPTN, macros that Swift does not see.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    init() throws {
        keyboard = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var lock: Int32 = 0
        var number: Int32 = 0
        try #require(keyboard >= 0)
        try #require(unsafe ioctl(keyboard, Self.setLock, &lock) == 0)
        try #require(unsafe ioctl(keyboard, Self.getNumber, &number) == 0)
        device = "/dev/pts/\(number)"
    }

    func type(_ text: String) {
        _ = StandardStreams.write(Array(text.utf8), to: keyboard)
    }

    /// Reads the screen until it holds `text`.
    func wait(for text: String) -> String {
        var screen = ""
        while !screen.contains(text) {
            var byte: UInt8 = 0
            guard unsafe read(keyboard, &byte, 1) == 1 else { break }
            screen.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return screen
    }
}

@Suite("hidden prompt")
struct HiddenPromptTests {
    /// Asks on a thread of its own, types after the prompt is there; gives answer and screen.
    private func ask(_ keys: String) throws -> (Result<String, any Error>, screen: String) {
        let terminal = try FakeTerminal()
        // Kept open, so that the screen can be read after the prompt has closed its side.
        let other = unsafe open(terminal.device, O_RDWR | O_NOCTTY)
        defer {
            close(other)
            close(terminal.keyboard)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let answer = group.next().submit {
            try HiddenPrompt.read("share (hidden): ", at: terminal.device)
        }
        var screen = terminal.wait(for: "share (hidden): ")
        terminal.type(keys)
        let result = Result { try answer.wait() }
        screen += terminal.wait(for: "\u{1B}[K")
        var mode = termios()
        try #require(unsafe tcgetattr(other, &mode) == 0)
        #expect(mode.c_lflag & tcflag_t(ECHO) != 0, "echo is on again")
        return (result, screen)
    }

    @Test(
        "what is typed comes back and is never shown",
        arguments: [
            ("hidden\n", "hidden"), ("hidden\r", "hidden"),
            ("wrong\u{15}hidden\n", "hidden"), ("hiddet\u{7F}n\n", "hidden"), ("\n", ""),
        ]
    )
    func typed(_ keys: String, _ want: String) throws {
        let (result, screen) = try ask(keys)
        #expect(try result.get() == want)
        #expect(screen == "share (hidden): \r\u{1B}[K")
    }

    @Test("ctrl-C ends the question", arguments: ["hid\u{3}", "\u{4}"])
    func interrupted(_ keys: String) throws {
        let (result, _) = try ask(keys)
        #expect(throws: LocalError.interrupted) { try result.get() }
    }

    @Test("without a terminal nothing is asked")
    func noTerminal() {
        #expect(throws: LocalError.noTerminal) { try HiddenPrompt.read("x", at: "/dev/null") }
    }
}
