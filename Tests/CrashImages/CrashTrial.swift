import Store
import TestSupport

/// What a run over many crash images found.
package struct CrashReport: Sendable {
    /// Different legal images that were opened.
    package var images = 0
    /// Of those, with a vote copy torn inside its sector: worse than the disk is assumed to be.
    package var shattered = 0
    /// Of those, after which the store was also written to and opened once more.
    package var continued = 0
    /// Moments of a recording at which something was uncertain.
    package var moments = 0
    /// Recordings.
    package var recordings = 0
    /// What went wrong, one sentence for each image, at most ``CrashTrial/failuresMax``.
    package var failures: [String] = []

    /// One line.
    package var summary: String {
        "\(images) legal crash images at \(moments) moments of \(recordings) recordings: "
            + "\(images - failures.count) opened with everything acknowledged "
            + "(\(continued) written to and opened again, \(shattered) with a shattered vote copy), "
            + "\(failures.count) failed"
    }
}

/// Records workloads, enumerates what a crash may leave at each moment, and opens it.
package struct CrashTrial {
    static let failuresMax = 20

    /// How many images are wanted.
    let imagesMax: Int
    let lie: Lie
    /// One moment in this many is looked at, so that a small number covers whole recordings.
    let oneMomentIn: UInt64
    let progress: (CrashReport) -> Void
    private var report = CrashReport()
    private var random: Seeded

    /// - Parameters:
    ///   - imagesMax: stop after that many different images.
    ///   - seed: decides everything.
    ///   - lie: promises of the disk to break.
    ///   - oneMomentIn: look at one moment in so many only, chosen by the seed.
    ///   - progress: told about every thousandth image.
    package init(
        imagesMax: Int,
        seed: UInt64,
        lie: Lie = [],
        oneMomentIn: UInt64 = 1,
        progress: @escaping (CrashReport) -> Void = { _ in }
    ) {
        self.imagesMax = imagesMax
        self.lie = lie
        self.oneMomentIn = oneMomentIn
        self.progress = progress
        random = Seeded(seed)
    }

    /// Runs until enough images were opened, or enough failed.
    ///
    /// - Throws: what the store throws while it is recorded.
    package consuming func run(stepsOfRecording steps: Int = 120) throws -> CrashReport {
        while report.images < imagesMax, report.failures.count < Self.failuresMax {
            report.recordings += 1
            try enumerate(seed: random.next(), steps)
        }
        return report
    }

    private var isOver: Bool {
        report.images >= imagesMax || report.failures.count >= Self.failuresMax
    }

    private mutating func enumerate(seed: UInt64, _ steps: Int) throws {
        let scratch = TemporaryFolder(inMemory: true)
        let folder = scratch.path + "/live"
        precondition(makeFolder(folder), "cannot make \(folder)")
        let trace = scratch.path + "/trace"
        let workload = try Workload.record(
            steps: steps,
            seed: seed,
            folder: folder,
            trace: trace
        )
        let checker = ImageChecker(workload: workload, live: folder, scratch: scratch.path)
        var disk = Disk(lie: lie)
        var acknowledged = -1
        var seen: Set<String> = []
        for event in Trace(path: trace).events {
            let epoch = disk.epoch
            if case .mark(let step) = event.action {
                acknowledged = step
                seen = []
            }
            disk.begin(event)
            if !disk.isQuiet, random.next() % oneMomentIn == 0 {
                open(disk, checker, acknowledged, seed, &seen)
            }
            disk.end(event)
            // The same choice upon something else that is certain is another image.
            if disk.epoch != epoch { seen = [] }
            if isOver { return }
        }
    }

    private mutating func open(
        _ disk: Disk,
        _ checker: ImageChecker,
        _ acknowledged: Int,
        _ seed: UInt64,
        _ seen: inout Set<String>
    ) {
        let moment = Moment(disk)
        var isNew = false
        for choice in choices(moment) {
            guard seen.insert(moment.name(choice)).inserted else { continue }
            isNew = true
            report.images += 1
            let continues = report.images % 8 == 0
            let isShattered = choice.isShattered
            if isShattered { report.shattered += 1 }
            if continues { report.continued += 1 }
            let image = moment.image(choice)
            if let problem = checker.problem(image, after: acknowledged, continues: continues) {
                report.failures.append("recording \(seed), after step \(acknowledged): \(problem)")
            }
            if report.images % 1_000 == 0 { progress(report) }
            if isOver { break }
        }
        if isNew { report.moments += 1 }
    }

    /// None, all, each prefix, each alone, each left out, and mixtures with torn writes.
    private mutating func choices(_ moment: Moment) -> [Choice] {
        let count = moment.changes.count
        let names = moment.disk.pendingNames.count
        let whole = Choice.Part.whole
        func parts(_ isThere: (Int) -> Bool) -> Choice {
            Choice(
                parts: (0..<count).map { isThere($0) ? whole : .none },
                names: (0..<names).map { isThere(count + $0) }
            )
        }
        var choices = [parts { _ in false }, parts { _ in true }]
        // A commit may have hundreds of pages: a sample of them, the newest always among it.
        let total = count + names
        let places = total <= 6 ? Array(0..<total) : sample(total, 6)
        for place in places {
            choices.append(parts { $0 < place })
            choices.append(parts { $0 == place })
            choices.append(parts { $0 != place })
        }
        for _ in 0..<min(6, total * 2) { choices.append(mixture(count, names)) }
        choices += shattered(moment)
        return choices
    }

    private mutating func sample(_ total: Int, _ count: Int) -> [Int] {
        [0, total - 1] + (2..<count).map { _ in Int.random(in: 0..<total, using: &random) }
    }

    private mutating func mixture(_ count: Int, _ names: Int) -> Choice {
        Choice(
            parts: (0..<count).map { _ in
                switch random.next() % 3 {
                case 0: .none
                case 1: .whole
                default: .torn(seed: random.next())
                }
            },
            names: (0..<names).map { _ in random.next() & 1 == 1 }
        )
    }

    /// Once the folder is complete, each vote copy that is being written, torn at any byte.
    private mutating func shattered(_ moment: Moment) -> [Choice] {
        let path = moment.disk.certainNames.keys.first { $0.hasSuffix("/node/vote") }
        guard let path, let file = moment.disk.certainNames[path],
            moment.disk.certainNames.keys.contains(where: { $0.hasSuffix("/node/FORMAT") })
        else { return [] }
        let own = moment.changes.indices.filter { moment.changes[$0].file == file }
        guard !own.isEmpty else { return [] }
        return (0..<3).map { _ in
            var choice = mixture(moment.changes.count, moment.disk.pendingNames.count)
            for index in own { choice.parts[index] = .shattered(seed: random.next()) }
            return choice
        }
    }
}

extension Moment {
    /// Tells choices of one epoch apart, also between its moments.
    fileprivate func name(_ choice: Choice) -> String {
        var name = ""
        for (change, part) in zip(changes, choice.parts) {
            switch part {
            case .none: continue
            case .whole: name += "\(change.file):\(change.position) "
            case .torn(let seed): name += "\(change.file):\(change.position)/\(seed) "
            case .shattered(let seed): name += "\(change.file):\(change.position)!\(seed) "
            }
        }
        for (position, isThere) in choice.names.enumerated() where isThere {
            name += "n\(position) "
        }
        return name
    }
}

extension Choice {
    fileprivate var isShattered: Bool {
        parts.contains {
            if case .shattered = $0 { return true }
            return false
        }
    }
}
