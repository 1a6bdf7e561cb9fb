import Testing

@testable import Barrier

@Suite("batch tokens")
struct TokenBoxTests {
    private func sealed(_ vault: TestVault, _ content: [UInt8]) -> [UInt8] {
        var entropy = Entropy(seed: [UInt8](repeating: 7, count: 32))
        return vault.keyring.sealToken(content, entropy: &entropy)
    }

    @Test("what is sealed opens, and does not show", arguments: [1, 64, 2_000])
    func roundTrip(_ count: Int) throws {
        let vault = try TestVault()
        let content = [UInt8](repeating: 0x5A, count: count)
        let token = sealed(vault, content)
        #expect(vault.keyring.openToken(token) == content)
        #expect(token.count == count + 1 + 4 + 24 + 16)
        // A run of the content cannot be in it.
        let run = [UInt8](repeating: 0x5A, count: 8)
        #expect(!token.indices.contains { token[$0...].starts(with: run) })
    }

    @Test("a changed or cut token does not open")
    func damage() throws {
        let vault = try TestVault()
        let token = sealed(vault, [1, 2, 3])
        for position in token.indices {
            var other = token
            other[position] ^= 1
            #expect(vault.keyring.openToken(other) == nil, "byte \(position)")
        }
        for count in 0..<token.count {
            #expect(vault.keyring.openToken(Array(token.prefix(count))) == nil)
        }
        #expect(vault.keyring.openToken(token + [0]) == nil)
    }
}

@Suite("names as they lie")
struct NamesTests {
    @Test("pages of any size give every name once, also behind names that are gone")
    func pages() throws {
        let vault = try TestVault()
        var all: Set<String> = []
        for number in 0..<40 {
            try vault.put("d/\(number)", [])
            all.insert("\(number)")
        }
        try vault.put("d/f/x", [])
        all.insert("f/")
        for limit in [1, 3, 40, 41, 100] {
            var found: [String] = []
            var after: String?
            while true {
                let page = try vault.view {
                    try $0.names(TestVault.mount, in: "d/", after: after, limit: limit)
                }
                guard let last = page.last else { break }
                found += page
                after = last
            }
            #expect(found.count == all.count && Set(found) == all)
        }
        #expect(try vault.view { try $0.names(TestVault.mount, in: "d/", limit: 0) } == [])
        #expect(try vault.view { try $0.names(TestVault.mount, in: "none/", limit: 9) } == [])
        let order = try vault.view { try $0.names(TestVault.mount, in: "d/", limit: 100) }
        let middle = order[20]
        let rest = try vault.view {
            try $0.names(TestVault.mount, in: "d/", after: middle, limit: 100)
        }
        #expect(rest == Array(order[21...]))
        guard middle != "f/" else { return }
        try vault.delete("d/\(middle)")
        let again = try vault.view {
            try $0.names(TestVault.mount, in: "d/", after: middle, limit: 100)
        }
        #expect(again == rest)
    }
}
