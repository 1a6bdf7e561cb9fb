#if PlantedBugs

    import Glibc
    import RaftLaboratory
    import Simulator
    import Store
    import Wire

    /// `simulate --planted NAME`: runs seeds until the fault of that name is caught. `--planted
    /// all` does so for each, in a process of its own, and prints the table of the documents.
    enum PlantedRun {
        /// After that many real seconds a seed hangs, and nothing was caught.
        private static let secondsMost: UInt32 = 1_800

        /// - Returns: the exit code; nil when the command line asks for a usual run.
        static func run(_ words: [String]) async -> Int32? {
            func value(_ name: String) -> String? {
                guard let position = words.firstIndex(of: name), position + 1 < words.count else {
                    return nil
                }
                return words[position + 1]
            }
            guard let name = value(PlantedBug.option) else { return nil }
            let cases =
                name == "all"
                ? PlantedCase.all : name.split(separator: ",").compactMap { PlantedCase.named($0) }
            guard !cases.isEmpty, name == "all" || cases.count == name.split(separator: ",").count
            else {
                Simulate.complain(
                    "which of these? all, " + PlantedCase.all.map(\.name).joined(separator: ", ")
                )
                return 64
            }
            if name == "all" || cases.count > 1 {
                var survey = PlantedSurvey(cases, jobs: value("--jobs").flatMap { Int($0) } ?? 1)
                return await survey.run() ? 0 : 1
            }
            guard value("--seed") == nil else { return nil }
            let first = value("--from").flatMap { UInt64($0) } ?? 1
            let last = value("--most").flatMap { UInt64($0) } ?? cases[0].seedsMost
            return find(cases[0], in: first...max(first, last), report: value("--report"))
        }

        /// - Parameter seeds: as many as the catalogue allows, or as somebody has patience.
        /// - Returns: 0 when it was caught.
        private static func find(
            _ bug: PlantedCase,
            in seeds: ClosedRange<UInt64>,
            report path: String?
        ) -> Int32 {
            alarm(secondsMost)
            var nanoseconds: UInt64 = 0
            for seed in seeds {
                if let path { write(Finding(seed: seed, nanoseconds: nanoseconds), to: path) }
                let (problem, lasted) = outcome(of: seed, bug.ground)
                nanoseconds += lasted
                guard let problem else { continue }
                if let path {
                    write(Finding(seed: seed, nanoseconds: nanoseconds, problem: problem), to: path)
                } else {
                    print("seed \(seed): \(problem)")
                }
                return 0
            }
            return 1
        }

        private static func outcome(of seed: UInt64, _ ground: PlantedCase.Ground) -> (
            String?, UInt64
        ) {
            let nodeCount = seed.isMultiple(of: 2) ? 3 : 5
            switch ground {
            case .cluster:
                let report = Simulation.run(SimulationSettings(seed: seed))
                return (report.violation, report.nanoseconds)
            case .disks(let lie):
                var settings = SimulationSettings(seed: seed)
                settings.lie = lie
                let report = Simulation.run(settings)
                return (report.violation, report.nanoseconds)
            case .cores: return (ChaosRun(seed: seed, nodeCount: nodeCount).problem(), 0)
            case .members:
                return (ChaosRun(seed: seed, nodeCount: nodeCount, churns: true).problem(), 0)
            case .leases: return (LeaseRun(seed: seed).problem(), 0)
            }
        }

        // MARK: What a process tells the survey

        /// How far it got. A process that a signal ends leaves what it wrote before its last seed.
        struct Finding {
            var seed: UInt64
            /// Simulated, in all seeds so far.
            var nanoseconds: UInt64
            var problem: String?
        }

        private static func write(_ finding: Finding, to path: String) {
            let lines = "\(finding.seed)\n\(finding.nanoseconds)\n\(finding.problem ?? "")\n"
            do throws(StoreError) {
                try ChunkFile(creating: path).write(Array(lines.utf8), at: 0)
            } catch {
                Simulate.complain("no report: \(error.summary)")
                exit(70)
            }
        }

        static func read(_ path: String) -> Finding? {
            guard let file = try? ChunkFile(reading: path),
                let bytes = try? file.read(at: 0, atMost: 65_536)
            else { return nil }
            let lines = String(decoding: bytes, as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.count >= 3, let seed = UInt64(lines[0]), let time = UInt64(lines[1]) else {
                return nil
            }
            let problem = lines[2].isEmpty ? nil : String(lines[2])
            return Finding(seed: seed, nanoseconds: time, problem: problem)
        }
    }

    /// Many planted bugs, several at a time, each in a process of its own: a precondition of the
    /// product that catches one ends its process.
    private struct PlantedSurvey {
        private struct Row: Sendable {
            let bug: PlantedCase
            var seed: UInt64 = 0
            var nanoseconds: UInt64 = 0
            /// What caught it; nil: nothing.
            var catcher: String?
            var took = Duration.zero
        }

        private let cases: [PlantedCase]
        private let jobs: Int

        init(_ cases: [PlantedCase], jobs: Int) {
            self.cases = cases
            self.jobs = max(1, jobs)
        }

        /// - Returns: whether each was caught in time.
        mutating func run() async -> Bool {
            var rows = [Row?](repeating: nil, count: cases.count)
            var next = 0
            let cases = cases
            await withTaskGroup(of: (Int, Row).self) { group in
                func begin() {
                    guard next < cases.count else { return }
                    let position = next
                    next += 1
                    group.addTask { (position, Self.survey(cases[position])) }
                }
                for _ in 0..<jobs { begin() }
                while let (position, row) = await group.next() {
                    rows[position] = row
                    Simulate.complain(Self.line(row))
                    begin()
                }
            }
            let done = rows.compactMap { $0 }
            print("| bug | what the node does | where | caught by | seed | of | simulated | real |")
            print("|---|---|---|---|---:|---:|---:|---:|")
            for row in done { print(Self.line(row)) }
            let missed = done.filter { $0.catcher == nil }
            print("\n\(done.count - missed.count) of \(done.count) planted bugs were caught.")
            return missed.isEmpty
        }

        private static func survey(_ bug: PlantedCase) -> Row {
            var row = Row(bug: bug)
            let path = "/tmp/simulate-planted-\(getpid())-\(bug.name.filter { $0 != " " })"
            let began = ContinuousClock.now
            let end: ChildProcess.End
            do throws(StoreError) {
                end = try ChildProcess.run(
                    "/proc/self/exe",
                    [PlantedBug.option, bug.name, "--report", path]
                )
            } catch {
                Simulate.complain("\(bug.name): \(error.summary)")
                return row
            }
            row.took = .now - began
            defer { try? ChunkFile.remove(path) }
            guard let finding = PlantedRun.read(path) else { return row }
            row.seed = finding.seed
            row.nanoseconds = finding.nanoseconds
            switch end {
            case .exited(0): row.catcher = finding.problem
            case .signalled(SIGILL), .signalled(SIGTRAP):
                row.catcher = "a precondition of the product"
            default: break
            }
            return row
        }

        private static func line(_ row: Row) -> String {
            let (seconds, attoseconds) = row.took.components
            let real = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
            let cells = [
                "`\(row.bug.name)`", row.bug.fault, row.bug.ground.title,
                row.catcher.map(told) ?? "**nothing**", "\(row.seed)", "\(row.bug.seedsMost)",
                row.nanoseconds == 0 ? "" : "\(Simulate.tenths(row.nanoseconds)) s",
                "\(Simulate.tenths(real)) s",
            ]
            return "| " + cells.joined(separator: " | ") + " |"
        }

        /// Only the beginning of a long story.
        private static func told(_ problem: String) -> String {
            problem.count <= 90 ? problem : problem.prefix(87) + "..."
        }
    }

#endif
