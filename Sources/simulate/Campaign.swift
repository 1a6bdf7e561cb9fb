import Glibc
import Simulator
import Store

/// Many seeds, several at a time.
struct Campaign {
    private let options: Options
    private let began = ContinuousClock.now
    private var done: UInt64 = 0
    private var nanoseconds: UInt64 = 0
    private var nodes = 0
    private var counts = SimulationCounts()
    private var failures: [UInt64] = []
    /// All seeds below this one are done; those done above it.
    private var frontier: UInt64
    private var ahead: Set<UInt64> = []
    private var lastWord = ContinuousClock.now
    private let build: String?
    /// After that many failures a campaign has said enough.
    private static let failuresMost = 10

    init(_ options: Options) {
        self.options = options
        frontier = options.seeds.lowerBound
        build = options.stateFile == nil ? nil : Self.fingerprint()
    }

    /// Over this program's file: builds that differ have different ones. Nil when it is not where
    /// it was called: found by the shell, say.
    private static func fingerprint() -> String? {
        var hash = TraceHash()
        do throws(StoreError) {
            let file = try ChunkFile(reading: CommandLine.arguments[0])
            var offset: UInt64 = 0
            while true {
                let bytes = try file.read(at: offset, atMost: 1 << 20)
                guard !bytes.isEmpty else { return hash.text }
                hash.mix(bytes)
                offset += UInt64(bytes.count)
            }
        } catch {
            return nil
        }
    }

    /// - Returns: whether every seed was clean.
    mutating func run() async -> Bool {
        if options.stateFile != nil, build == nil {
            Simulate.complain("no state is kept: call this program by its path")
        }
        resume()
        let options = options
        var next = frontier
        let last = options.seeds.upperBound
        await withTaskGroup(of: (UInt64, Int, SimulationReport).self) { group in
            func begin(_ job: Int) {
                guard next <= last, failures.count < Self.failuresMost else { return }
                let settings = options.settings(next)
                next += 1
                group.addTask {
                    CrashReport.begin(options.command(settings.seed))
                    return (settings.seed, job, Simulation.run(settings))
                }
            }
            for job in 0..<options.jobs { begin(job) }
            while let (seed, job, report) = await group.next() {
                note(seed, report)
                begin(job)
            }
        }
        save()
        progress(isLast: true)
        Simulate.complain("what happened: \(counts.story)")
        return failures.isEmpty
    }

    private mutating func note(_ seed: UInt64, _ report: SimulationReport) {
        done += 1
        nanoseconds += report.nanoseconds
        nodes += report.nodes
        counts.add(report.counts)
        ahead.insert(seed)
        while ahead.remove(frontier) != nil { frontier += 1 }
        if let problem = report.problem {
            failures.append(seed)
            print("seed \(seed) FAILED: \(problem)\n  repeat: \(options.command(seed))")
        } else {
            print("seed \(seed) ok \(report.traceHash)")
        }
        guard ContinuousClock.now - lastWord >= .seconds(2) else { return }
        lastWord = .now
        save()
        progress(isLast: false)
    }

    /// Seeds a second, simulated time and of what, how that compares with real time and with the
    /// processors' time, which does not depend on who else uses the machine.
    private func progress(isLast: Bool) {
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        let milliseconds = max(
            1,
            UInt64(seconds) * 1_000 + UInt64(attoseconds / 1_000_000_000_000_000)
        )
        let total = options.seeds.upperBound - options.seeds.lowerBound + 1
        let ratio = nanoseconds / 1_000_000 / milliseconds
        let processor = max(1, UInt64(clock()) * 1_000 / UInt64(CLOCKS_PER_SEC))
        let tenthsOfNodes = UInt64(nodes) * 10 / max(1, done)
        Simulate.complain(
            "\(isLast ? "ended: " : "")\(done) of \(total) seeds, "
                + "\(done * 1_000 / milliseconds) a second, "
                + "\(Simulate.tenths(nanoseconds)) s simulated of "
                + "\(tenthsOfNodes / 10).\(tenthsOfNodes % 10) nodes and "
                + "\(options.operations) operations/s, \(options.faultsName ?? "swarm"), "
                + "\(ratio) times real time, "
                + "\(nanoseconds / 1_000_000 / processor) times processor time, "
                + "\(counts.faults) faults, \(counts.starts) starts, "
                + "\(counts.elections) elections, \(counts.committed) committed, "
                + "\(counts.writes + counts.reads) operations, "
                + "\(counts.unconfirmedReads) by lease or stale, \(counts.unknown) unknown, "
                + "\(counts.undecided) undecided, "
                + "\(counts.changes) changes of members, \(counts.rebuilt) disks made anew, "
                + "\(counts.snapshots) snapshots, \(counts.mended) mended, "
                + "\(counts.confirmed) absences confirmed, \(counts.lists) lists, "
                + "\(counts[.restoreImage]) put back, \(failures.count) failed"
        )
    }

    // MARK: Resuming

    /// What was done by another build, or under other settings, is not done.
    private var heading: String {
        "simulate \(options.seeds.lowerBound)..\(options.seeds.upperBound) \(options.command(0)) "
            + "build \(build ?? "unknown")"
    }

    /// Goes on behind what an interrupted campaign over the same seeds had done.
    private mutating func resume() {
        guard let path = options.stateFile, build != nil, let file = try? ChunkFile(reading: path),
            let bytes = try? file.read(at: 0, atMost: 4_096)
        else { return }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.count == 2, lines[0] == heading, let seed = UInt64(lines[1]) else {
            return Simulate.complain("\(path) is of another build or other settings: begin anew")
        }
        frontier = max(frontier, seed)
        Simulate.complain("resuming at seed \(frontier)")
    }

    private func save() {
        guard let path = options.stateFile, build != nil, failures.isEmpty else { return }
        do throws(StoreError) {
            let file = try ChunkFile(creating: path + ".new")
            try file.write(Array("\(heading)\n\(frontier)\n".utf8), at: 0)
            try ChunkFile.rename(path + ".new", to: path)
        } catch {
            Simulate.complain("the state is not kept: \(error.summary)")
        }
    }
}
