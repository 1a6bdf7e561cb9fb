import Glibc
import Simulator

// Rules of this command line.
//  - Results go to standard output, progress and mistakes to standard error.
//  - Exit codes: 0 all seeds are clean, 1 one is not, 64 usage.

/// `swift run -c release simulate`: the cluster under a virtual clock, network and disk.
@main
enum Simulate {
    static let usage = """
        usage: simulate --seed N [--trace]          one run; --trace tells all of it
               simulate --seeds A..B [--jobs N]     many; B is included
                        [--state FILE]              resume where FILE says, and keep it
        options: --nodes 1...9       default: drawn from the seed
                 --faults NAME       calm, harsh or swarm (default: drawn from the seed)
                 --seconds N         simulated seconds with faults, default 10
                 --operations N      client operations a second, default 200
        """

    static func main() async {
        #if PlantedBugs
            if let code = await PlantedRun.run(Array(CommandLine.arguments.dropFirst())) {
                exit(code)
            }
        #endif
        let options: Options
        do throws(UsageError) {
            options = try Options(CommandLine.arguments.dropFirst())
        } catch {
            complain("\(error.reason)\n\(usage)")
            exit(64)
        }
        CrashReport.install()
        if options.seeds.count == 1, options.stateFile == nil {
            exit(one(options) ? 0 : 1)
        }
        var campaign = Campaign(options)
        exit(await campaign.run() ? 0 : 1)
    }

    private static func one(_ options: Options) -> Bool {
        let began = ContinuousClock.now
        let settings = options.settings(options.seeds.lowerBound)
        CrashReport.begin(options.command(settings.seed))
        let report = Simulation.run(settings, trace: options.isTraced ? { print($0) } : nil)
        let counts = report.counts
        print(
            """
            seed \(settings.seed): \(report.nodes) nodes, \(tenths(report.nanoseconds)) s \
            simulated in \(ContinuousClock.now - began)
            events \(counts.events), messages \(counts.messages), faults \(counts.faults), starts \
            \(counts.starts), elections \(counts.elections), committed \(counts.committed), writes \
            \(counts.writes), reads \(counts.reads), by lease or stale \
            \(counts.unconfirmedReads), retries \(counts.retries), unknown \(counts.unknown), \
            undecided \(counts.undecided), changes of members \(counts.changes), disks made anew \
            \(counts.rebuilt), snapshots \(counts.snapshots), mended \(counts.mended), put back \
            \(counts[.restoreImage]), absences confirmed \(counts.confirmed), lists \(counts.lists)
            what happened: \(counts.story)
            hash \(report.traceHash)
            """
        )
        guard let problem = report.problem else { return true }
        print("seed \(settings.seed) FAILED: \(problem)")
        print("  repeat: \(options.command(settings.seed))")
        return false
    }

    /// Seconds with one digit behind the point.
    static func tenths(_ nanoseconds: UInt64) -> String {
        "\(nanoseconds / 1_000_000_000).\(nanoseconds / 100_000_000 % 10)"
    }

    static func complain(_ text: String) {
        let line = Array("simulate: \(text)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }
}
