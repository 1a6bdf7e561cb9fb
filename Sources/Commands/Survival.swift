/// What a cluster can lose and still have a majority of its voters.
struct Survival: Equatable {
    /// How many nodes may be lost, whichever they are.
    let nodes: Int
    /// How many regions may be lost, whichever they are; nil if a voter's region is not known.
    let regions: Int?
    /// Voters that are left, and that are needed.
    let have: Int
    let need: Int

    /// - Parameters:
    ///   - votersByRegion: number of voters in each region, those that are already lost included.
    ///   - lostByRegion: how many of them are lost; at most as many as the region has.
    init(votersByRegion: [String: Int], lostByRegion: [String: Int] = [:]) {
        let voters = votersByRegion.values.reduce(0, +)
        var left: [Int] = []
        for (region, count) in votersByRegion {
            let lost = lostByRegion[region] ?? 0
            precondition(lost <= count, "more voters lost than there are")
            left.append(count - lost)
        }
        let have = left.reduce(0, +)
        let need = voters / 2 + 1
        self.have = have
        self.need = need
        nodes = max(0, have - need)
        guard votersByRegion[""] == nil else {
            regions = nil
            return
        }
        // The worst case loses the largest regions first.
        var rest = have
        var count = 0
        for size in left.sorted(by: >) {
            rest -= size
            guard rest >= need else { break }
            count += 1
        }
        regions = count
    }

    /// Whether there is a majority at all.
    var hasMajority: Bool { have >= need }

    /// "any one region, any two nodes".
    var text: String {
        var parts: [String] = []
        if let regions, regions > 0 { parts.append("any \(Self.count(regions, "region"))") }
        if nodes > 0 { parts.append("any \(Self.count(nodes, "node"))") }
        if parts.isEmpty { return "nothing: every voter is needed" }
        if regions == 0 { parts.append("but not every region") }
        return parts.joined(separator: ", ")
    }

    /// What is left to lose after losses, or that it is too late.
    var textAfterLosses: String {
        guard hasMajority else { return "no majority: \(have) of the \(need) that are needed" }
        return nodes == 0 ? "no further node may be lost" : "still survives \(text)"
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        let words = ["no", "one", "two", "three", "four"]
        let word = number < words.count ? words[number] : String(number)
        return "\(word) \(noun)\(number == 1 ? "" : "s")"
    }
}
