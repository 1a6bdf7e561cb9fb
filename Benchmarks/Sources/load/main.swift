import Glibc
import LoadGenerator

signal(SIGPIPE, SIG_IGN)
do {
    print(try LoadCommand.run(Array(CommandLine.arguments.dropFirst())))
} catch {
    let message = Array("load: \(error)\n".utf8)
    _ = unsafe message.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    exit(error is Options.Failure ? 64 : 1)
}
