// Faults that are planted on purpose, to show that the simulator finds them.
//
// A hook stands where a safety rule stands: `|| planted("skipsIt")`. Built without the package
// trait `PlantedBugs`, as every product is, a hook is a constant and nothing of it is left in
// optimised code; `Tests/run` looks for the names in the binary. The names, what each of them
// breaks and the seeds within which it is caught: `PlantedBugs.swift` of `simulate`, and the tests
// compare.

#if PlantedBugs

    /// Which fault this process has.
    package enum PlantedBug {
        /// The option that names it.
        package static let option = "--planted"

        /// Decided by the command line before anything runs, so that it cannot change on the way.
        /// Empty: none.
        package static let selected: String = {
            let words = CommandLine.arguments
            guard let option = words.firstIndex(of: option), option + 1 < words.count else {
                return ""
            }
            return words[option + 1]
        }()
    }

    /// Whether this process has the fault of that name.
    package func planted(_ name: String) -> Bool { PlantedBug.selected == name }

#else

    /// Never: faults are planted only in builds with the trait `PlantedBugs`.
    @inlinable
    @inline(__always)
    package func planted(_ name: String) -> Bool { false }

#endif
