import CrashImages
import Glibc
import Testing

/// Each in a process of its own: LMDB ends a process that meets an inconsistent tree.
@Suite("Crash images")
struct CrashImageTests {
    /// Ends the process with 0 when all images are good, with 3 when one is not.
    private static func run(_ lie: Lie, images: Int, seed: UInt64) throws -> Never {
        let report = try CrashTrial(imagesMax: images, seed: seed, lie: lie, oneMomentIn: 4)
            .run(stepsOfRecording: 45)
        print(report.summary)
        for failure in report.failures.prefix(5) { print(failure) }
        exit(report.failures.isEmpty ? 0 : 3)
    }

    @Test("every legal crash image opens with everything acknowledged", .timeLimit(.minutes(5)))
    func images() async {
        let result = await #expect(
            processExitsWith: .exitCode(0),
            observing: [\.standardOutputContent]
        ) {
            try Self.run([], images: 1_000, seed: 1)
        }
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self))
    }

    @Test("a commit without its syncs is caught (planted: MDB_NOSYNC)")
    func noSync() async {
        await #expect(processExitsWith: .failure) {
            try Self.run(.noSync, images: 2_000, seed: 2)
        }
    }

    @Test("a header page that may pass its data is caught (planted)")
    func headerBeforeData() async {
        await #expect(processExitsWith: .failure) {
            try Self.run(.databaseSync, images: 2_000, seed: 3)
        }
    }

    @Test("a header page that is acknowledged before it is written is caught (planted)")
    func headerLost() async {
        await #expect(processExitsWith: .exitCode(3)) {
            try Self.run(.headerWrite, images: 2_000, seed: 4)
        }
    }

    @Test("a vote that is acknowledged before it is written is caught (planted)")
    func voteLost() async {
        await #expect(processExitsWith: .exitCode(3)) {
            try Self.run(.voteSync, images: 2_000, seed: 5)
        }
    }

    @Test("a snapshot whose name is not synced is caught (planted)")
    func nameLost() async {
        await #expect(processExitsWith: .exitCode(3)) {
            try Self.run(.folderSync, images: 2_000, seed: 6)
        }
    }
}
