import CrashImages
import Glibc

/// Long proofs about `Store` alone, outside `Tests/run`:
///
///     swift run -c release store-trials images --images 20000 --seed 1
///     swift run -c release store-trials growth --hours 24 --seed 1
///     swift run -c release store-trials rules --seeds 2000
///     swift run -c release --traits Measurements store-trials cost --rounds 1000 --seed 1
///
/// Options of `growth`, all with a number: --hours, --rate (writes a second), --commit
/// (milliseconds of a transaction), --records, --view and --copy (seconds for which a listing a
/// minute and a snapshot an hour hold their view), --largest (bytes of a value), --seed; and
/// --folder DIR (new; in memory without it). Of `cost`: --records, --rounds, --seed, and --folder
/// DIR (new; for the half that is measured on a disk).
let arguments = CommandLine.arguments.dropFirst()

/// What each trial can be told, always with a value.
let options = [
    "images": ["--images", "--seed"],
    "growth": [
        "--hours", "--rate", "--commit", "--records", "--view", "--copy", "--largest", "--seed",
        "--folder",
    ],
    "rules": ["--seeds", "--planted"],
    "cost": ["--records", "--rounds", "--seed", "--folder"],
]

/// Refuses what no trial has: a day's growth must not begin because of a slip.
func requireKnown(_ words: ArraySlice<String>, of trial: String) {
    let known = options[trial] ?? []
    for word in words where word.hasPrefix("-") && !known.contains(word) {
        fail("\(trial) has no option \(word); it has \(known.joined(separator: ", "))")
    }
}

func number(after name: String, else fallback: Int) -> Int {
    guard let place = arguments.firstIndex(of: name) else { return fallback }
    guard place + 1 < arguments.endIndex, let value = Int(arguments[place + 1]), value > 0 else {
        fail("\(name) needs a number above 0")
    }
    return value
}

func text(after name: String) -> String? {
    guard let place = arguments.firstIndex(of: name) else { return nil }
    guard place + 1 < arguments.endIndex else { fail("\(name) needs a value") }
    return arguments[place + 1]
}

func fail(_ text: String) -> Never {
    print("store-trials: \(text)")
    exit(64)
}

func runImages() throws {
    let seed = number(after: "--seed", else: 1)
    let trial = CrashTrial(
        imagesMax: number(after: "--images", else: 20_000),
        seed: UInt64(seed)
    ) { print("  \($0.images) images, \($0.failures.count) failed") }
    let report = try trial.run()
    for failure in report.failures { print(failure) }
    print("seed \(seed): \(report.summary)")
    exit(report.failures.isEmpty ? 0 : 1)
}

/// Ends with 1 at the first seed in which a rule is broken: so does a planted bug, see
/// `Tests/planted`.
func runRules() -> Never {
    let seeds = number(after: "--seeds", else: 2_000)
    for seed in 1...UInt64(seeds) {
        for rule in StoreRule.allCases {
            guard let problem = rule.problem(seed: seed) else { continue }
            print("seed \(seed): \(rule): \(problem)")
            exit(1)
        }
    }
    print("seeds 1..\(seeds): all \(StoreRule.allCases.count) rules were kept")
    exit(0)
}

func runGrowth() throws {
    var settings = GrowthSettings()
    settings.hours = number(after: "--hours", else: settings.hours)
    settings.writesPerSecond = number(after: "--rate", else: settings.writesPerSecond)
    settings.commitMilliseconds = number(after: "--commit", else: settings.commitMilliseconds)
    settings.records = number(after: "--records", else: settings.records)
    settings.viewSeconds = number(after: "--view", else: settings.viewSeconds)
    settings.copySeconds = number(after: "--copy", else: settings.copySeconds)
    settings.largestBytes = number(after: "--largest", else: settings.largestBytes)
    settings.seed = UInt64(number(after: "--seed", else: 1))
    settings.folder = text(after: "--folder")
    exit(try GrowthTrial(settings).run() ? 0 : 1)
}

func runCost() throws {
    #if Measurements
        var settings = CostSettings()
        settings.records = number(after: "--records", else: settings.records)
        settings.rounds = number(after: "--rounds", else: settings.rounds)
        settings.seed = UInt64(number(after: "--seed", else: 1))
        settings.folder = text(after: "--folder")
        try CostTrial.run(settings)
    #else
        fail("parts of a put can be left out in builds with --traits Measurements only")
    #endif
}

if let trial = arguments.first { requireKnown(arguments.dropFirst(), of: trial) }

switch arguments.first {
case "images": try runImages()
case "growth": try runGrowth()
case "rules": runRules()
case "cost": try runCost()
default: fail("say what to try: images, growth, rules or cost")
}
