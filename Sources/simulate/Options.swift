import Simulator

/// What was wrong with the command line.
struct UsageError: Error {
    let reason: String
}

/// The command line.
struct Options {
    private(set) var seeds: ClosedRange<UInt64> = 1...1
    private(set) var isTraced = false
    private(set) var jobs = 1
    private(set) var stateFile: String?
    private(set) var nodes: Int?
    private(set) var faultsName: String?
    private(set) var seconds = 10
    private(set) var operations = 200

    init(_ arguments: some Collection<String>) throws(UsageError) {
        var rest = Array(arguments)[...]
        var hasSeeds = false
        while let name = rest.popFirst() {
            if name == "--trace" {
                isTraced = true
                continue
            }
            guard let value = rest.popFirst() else { throw UsageError(reason: "\(name) what?") }
            switch name {
            case "--seed":
                let seed = try Self.number(value, name, UInt64.self)
                seeds = seed...seed
                hasSeeds = true
            case "--seeds":
                seeds = try Self.range(value)
                hasSeeds = true
            case "--jobs": jobs = try Self.number(value, name, Int.self, from: 1)
            case "--state": stateFile = value
            case "--nodes":
                let count = try Self.number(value, name, Int.self)
                guard (1...9).contains(count) else { throw UsageError(reason: "1 to 9 nodes") }
                nodes = count
            case "--faults":
                guard ["calm", "harsh", "swarm"].contains(value) else {
                    throw UsageError(reason: "no faults are called \(value)")
                }
                faultsName = value
            case "--seconds": seconds = try Self.number(value, name, Int.self, from: 1)
            #if PlantedBugs
                // Looked for before anything else, see `PlantedBug`.
                case "--planted": break
            #endif
            case "--operations": operations = try Self.number(value, name, Int.self)
            default: throw UsageError(reason: "\(name) is not an option")
            }
        }
        guard hasSeeds else { throw UsageError(reason: "which seed?") }
        guard !isTraced || seeds.count == 1 else {
            throw UsageError(reason: "--trace is for one seed")
        }
    }

    private static func number<Number: FixedWidthInteger>(
        _ text: String,
        _ name: String,
        _ type: Number.Type,
        from least: Number = 0
    ) throws(UsageError) -> Number {
        guard let number = Number(text), number >= least else {
            throw UsageError(reason: "\(name) \(text): not a number from \(least) on")
        }
        return number
    }

    private static func range(_ text: String) throws(UsageError) -> ClosedRange<UInt64> {
        let ends = text.split(separator: ".", omittingEmptySubsequences: true)
        guard ends.count == 2, let first = UInt64(ends[0]), let last = UInt64(ends[1]),
            first <= last
        else { throw UsageError(reason: "--seeds \(text): not like 1..500") }
        return first...last
    }

    func settings(_ seed: UInt64) -> SimulationSettings {
        var settings = SimulationSettings(seed: seed)
        settings.nodes = nodes
        settings.seconds = seconds
        settings.operationsPerSecond = operations
        switch faultsName {
        case "calm": settings.faults = .calm
        case "harsh": settings.faults = .harsh
        default: settings.faults = nil
        }
        return settings
    }

    /// What repeats one seed's run.
    func command(_ seed: UInt64) -> String {
        var words = ["swift run -c release simulate --seed \(seed)"]
        if let nodes { words.append("--nodes \(nodes)") }
        if let faultsName { words.append("--faults \(faultsName)") }
        if seconds != 10 { words.append("--seconds \(seconds)") }
        if operations != 200 { words.append("--operations \(operations)") }
        return words.joined(separator: " ") + " --trace"
    }
}
