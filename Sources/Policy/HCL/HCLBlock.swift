/// A block with a label: `path "a" { … }`, `rule "charset" { … }`.
struct HCLBlock {
    let label: String
    /// What stands in its braces.
    let items: [HCLItem]
    let line: Int

    /// The blocks that an item stands for: one in HCL; in JSON `"path": { "a": { }, "b": { } }`
    /// has two, and there may be a list of such.
    ///
    /// - Parameter label: what a label is, for messages: "one path".
    static func blocks(of item: HCLItem, label: String) throws(PolicyError) -> [HCLBlock] {
        switch (item.keys.count, item.value) {
        case (2, .object(let items)):
            return [HCLBlock(label: item.keys[1], items: items, line: item.line)]
        case (1, .object(let members)):
            return try blocks(ofMembers: members, label)
        case (1, .list(let elements)):
            var blocks: [HCLBlock] = []
            for element in elements {
                guard case .object(let members) = element else {
                    throw .syntax(
                        line: item.line,
                        problem: "`\(item.keys[0])` needs \(label) and a block"
                    )
                }
                blocks += try self.blocks(ofMembers: members, label)
            }
            return blocks
        default:
            throw .syntax(
                line: item.line,
                problem: "`\(item.keys[0])` needs \(label) and a block"
            )
        }
    }

    private static func blocks(
        ofMembers members: [HCLItem],
        _ label: String
    ) throws(PolicyError) -> [HCLBlock] {
        var blocks: [HCLBlock] = []
        for member in members {
            guard member.keys.count == 1, case .object(let items) = member.value else {
                let noun = label.split(separator: " ").last ?? ""
                throw .syntax(
                    line: member.line,
                    problem: "the \(noun) \"\(member.keys[0])\" needs a block"
                )
            }
            blocks.append(HCLBlock(label: member.keys[0], items: items, line: member.line))
        }
        return blocks
    }
}
