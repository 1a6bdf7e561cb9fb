import Cryptography
import Glibc
import Wire

/// The bytes of a hexadecimal literal.
func hex(_ text: String) -> [UInt8] {
    guard let bytes = Hex.decode(text) else { preconditionFailure("not hexadecimal: \(text)") }
    return bytes
}

/// A secret with known content.
func secret(_ bytes: [UInt8]) -> SecretBytes {
    SecretBytes(copying: bytes.span)
}

/// A secret of `count` equal bytes.
func secret(repeating byte: UInt8, count: Int = 32) -> SecretBytes {
    secret([UInt8](repeating: byte, count: count))
}

/// Compares through ``SecretBytes``; `#expect` itself cannot look at noncopyable values.
func areEqualSecrets(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    secret(a).constantTimeEquals(secret(b))
}

/// Runs `body` on `count` real threads at once and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var threads: [pthread_t] = []
    for number in 0..<count {
        let work = unsafe Unmanaged.passRetained(Work { body(number) })
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            },
            work.toOpaque()
        )
        precondition(result == 0, "pthread_create failed")
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}

private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
