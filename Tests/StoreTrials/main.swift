import CrashImages
import Glibc

/// Long proofs about `Store` alone, outside `Tests/run`:
///
///     swift run -c release store-trials images --images 20000 --seed 1
let arguments = CommandLine.arguments.dropFirst()

func number(after name: String, else fallback: Int) -> Int {
    guard let place = arguments.firstIndex(of: name) else { return fallback }
    guard place + 1 < arguments.endIndex, let value = Int(arguments[place + 1]), value > 0 else {
        fail("\(name) needs a number above 0")
    }
    return value
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

switch arguments.first {
case "images": try runImages()
default: fail("say what to try: images")
}
