import Cryptography
import TestSupport
import Testing
import Wire

@testable import Audit

/// The definitions of RFC 9162, section 2.1, written down as they stand there: recursive, over all
/// leaves, with nothing kept between calls. It shares no code with the module but SHA-256.
enum ReferenceTree {
    static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        if leaves.isEmpty { return sha256([]) }
        if leaves.count == 1 { return sha256([0] + leaves[leaves.startIndex]) }
        let middle = leaves.startIndex + split(leaves.count)
        return sha256([1] + root(leaves[..<middle]) + root(leaves[middle...]))
    }

    /// PATH(m, D)
    static func path(_ index: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        if leaves.count == 1 { return [] }
        let left = split(leaves.count)
        let middle = leaves.startIndex + left
        return index < left
            ? path(index, leaves[..<middle]) + [root(leaves[middle...])]
            : path(index - left, leaves[middle...]) + [root(leaves[..<middle])]
    }

    /// SUBPROOF(m, D, b)
    static func subproof(_ first: Int, _ leaves: ArraySlice<[UInt8]>, _ whole: Bool) -> [[UInt8]] {
        if first == leaves.count { return whole ? [] : [root(leaves)] }
        let left = split(leaves.count)
        let middle = leaves.startIndex + left
        return first <= left
            ? subproof(first, leaves[..<middle], whole) + [root(leaves[middle...])]
            : subproof(first - left, leaves[middle...], false) + [root(leaves[..<middle])]
    }

    private static func split(_ count: Int) -> Int {
        var left = 1
        while left * 2 < count { left *= 2 }
        return left
    }
}

/// A tree of our module, and its proofs, over the leaves of a test.
struct GrownTree {
    let leaves: [[UInt8]]
    let hashes: [TreeHash]
    let roots: [TreeHash]

    init(_ leaves: [[UInt8]]) {
        self.leaves = leaves
        hashes = leaves.map(TreeHash.leaf)
        var frontier = Frontier()
        var roots = [frontier.root]
        for hash in hashes {
            frontier.append(hash)
            roots.append(frontier.root)
        }
        self.roots = roots
    }

    func inclusion(_ index: Int, size: Int) throws -> InclusionProof {
        let ranges = InclusionProof.ranges(index: UInt64(index), size: UInt64(size))
        return InclusionProof(index: UInt64(index), size: UInt64(size), path: try roots(of: ranges))
    }

    func consistency(_ first: Int, _ second: Int) throws -> ConsistencyProof {
        let ranges = ConsistencyProof.ranges(first: UInt64(first), second: UInt64(second))
        return ConsistencyProof(
            first: UInt64(first),
            second: UInt64(second),
            path: try roots(of: ranges)
        )
    }

    private func roots(of ranges: [Range<UInt64>]) throws -> [TreeHash] {
        var hasher = RangeHasher(ranges)
        for hash in hashes { hasher.add(hash) }
        return try #require(hasher.hashes)
    }
}

@Suite("Merkle tree")
struct MerkleTreeTests {
    static let sizeMax = 130
    static let tree = GrownTree((0..<sizeMax).map { [UInt8($0)] })

    /// Leaves and roots that Certificate Transparency implementations have been tested with since
    /// RFC 6962: github.com/transparency-dev/merkle, testonly/constants.go.
    static let publishedLeaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    static let publishedRoots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test("published roots of 0 to 8 leaves", arguments: 0...8)
    func published(size: Int) throws {
        let leaves = try Self.publishedLeaves.prefix(size).map { try #require(Hex.decode($0)) }
        #expect(GrownTree(leaves).roots[size].hex == Self.publishedRoots[size])
    }

    @Test("published inclusion proof of leaf 0 in 8")
    func publishedPath() throws {
        let leaves = try Self.publishedLeaves.map { try #require(Hex.decode($0)) }
        let proof = try GrownTree(leaves).inclusion(0, size: 8)
        #expect(
            proof.path.map(\.hex) == [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        )
    }

    /// Subtrees that the draft speaks of: as long as a power of two or the right edge of a tree,
    /// and beginning at a multiple of that power.
    private static var subtrees: [Range<Int>] {
        var subtrees: [Range<Int>] = []
        for end in 1...sizeMax {
            for start in 0..<end {
                var ceiling = 1
                while ceiling < end - start { ceiling *= 2 }
                if start % ceiling == 0 { subtrees.append(start..<end) }
            }
        }
        return subtrees
    }

    /// Digests over all results for sizes up to 130, from the appendix "Subtree Test Vectors" of
    /// draft-ietf-plants-merkle-tree-certs. A subtree is a tree of its own leaves.
    @Test("accumulated vectors over all subtrees of up to 130 leaves")
    func accumulated() throws {
        var roots = SHA256Stream()
        var proofs = SHA256Stream()
        for range in Self.subtrees {
            let tree = GrownTree(Array(Self.tree.leaves[range]))
            let name = "[\(range.lowerBound), \(range.upperBound))"
            roots.update(Array("\(name) \(tree.roots[range.count].hex)\n".utf8))
            for index in range {
                let proof = try tree.inclusion(index - range.lowerBound, size: range.count)
                let words = ["\(index) \(name)"] + proof.path.map(\.hex)
                proofs.update(Array((words.joined(separator: " ") + "\n").utf8))
            }
        }
        #expect(
            Hex.encode(roots.finish())
                == "94a95384a8c69acea9b50d035a58285b3a777cb7a724005faa5e1f1e1190007f"
        )
        #expect(
            Hex.encode(proofs.finish())
                == "ac2a8f989e44d99e399db448050ff5f19757df53cfb716aa81015d3955d8163f"
        )
    }

    @Test("roots of all sizes are the recursive definition's")
    func roots() {
        for size in 0...Self.sizeMax {
            #expect(Self.tree.roots[size].bytes == ReferenceTree.root(Self.tree.leaves[..<size]))
        }
    }

    @Test("inclusion: every leaf of every size, as defined, and no other leaf, size or root")
    func inclusion() throws {
        for size in 1...Self.sizeMax {
            let root = Self.tree.roots[size]
            for index in 0..<size {
                let proof = try Self.tree.inclusion(index, size: size)
                let leaf = Self.tree.hashes[index]
                #expect(proof.verifies(leaf, root: root))
                #expect(!proof.verifies(.leaf([1, 2]), root: root))
                #expect(!proof.verifies(leaf, root: Self.tree.roots[size - 1]))
                let moved = InclusionProof(
                    index: proof.index ^ 1,
                    size: proof.size,
                    path: proof.path
                )
                #expect(!moved.verifies(leaf, root: root))
                let far = InclusionProof(index: proof.size, size: proof.size, path: proof.path)
                #expect(!far.verifies(leaf, root: root))
                for changed in Self.changes(of: proof.path) {
                    let wrong = InclusionProof(
                        index: proof.index,
                        size: proof.size,
                        path: changed
                    )
                    #expect(!wrong.verifies(leaf, root: root))
                }
            }
        }
    }

    @Test("inclusion paths are the recursive definition's")
    func paths() throws {
        for size in [1, 2, 3, 7, 8, 9, 31, 64, 65, 100, 129, 130] {
            for index in 0..<size {
                let proof = try Self.tree.inclusion(index, size: size)
                let want = ReferenceTree.path(index, Self.tree.leaves[..<size])
                #expect(proof.path.map(\.bytes) == want)
            }
        }
    }

    @Test("consistency: every pair of sizes, and no other root")
    func consistency() throws {
        for second in 0...Self.sizeMax {
            for first in 0...second {
                let proof = try Self.tree.consistency(first, second)
                let (before, after) = (Self.tree.roots[first], Self.tree.roots[second])
                #expect(proof.verifies(firstRoot: before, secondRoot: after))
                #expect(!proof.verifies(firstRoot: .leaf([9]), secondRoot: after))
                if first > 0 {
                    #expect(!proof.verifies(firstRoot: before, secondRoot: .leaf([9])))
                }
                for changed in Self.changes(of: proof.path) {
                    let wrong = ConsistencyProof(
                        first: proof.first,
                        second: proof.second,
                        path: changed
                    )
                    #expect(!wrong.verifies(firstRoot: before, secondRoot: after))
                }
            }
        }
    }

    @Test("consistency paths are the recursive definition's")
    func consistencyPaths() throws {
        for second in [1, 2, 3, 7, 8, 9, 31, 64, 65, 100, 129, 130] {
            for first in 1...second {
                let proof = try Self.tree.consistency(first, second)
                let want = ReferenceTree.subproof(first, Self.tree.leaves[..<second], true)
                #expect(proof.path.map(\.bytes) == want)
            }
        }
    }

    @Test("a later size before an earlier one, and an empty path between sizes, prove nothing")
    func consistencyEdges() {
        let root = Self.tree.roots[4]
        #expect(
            !ConsistencyProof(first: 4, second: 3, path: [])
                .verifies(firstRoot: root, secondRoot: root)
        )
        #expect(
            !ConsistencyProof(first: 3, second: 4, path: [])
                .verifies(firstRoot: root, secondRoot: root)
        )
    }

    @Test("a frontier survives its bytes and goes on")
    func frontierBytes() throws {
        var frontier = Frontier()
        for size in 0..<Self.sizeMax {
            var writer = ByteWriter()
            frontier.write(into: &writer)
            var reader = ByteReader(writer.bytes)
            frontier = try Frontier(from: &reader)
            try reader.finish()
            #expect(frontier.size == UInt64(size))
            frontier.append(Self.tree.hashes[size])
            #expect(frontier.root == Self.tree.roots[size + 1])
        }
        var short = ByteReader([0, 0, 0, 0, 0, 0, 0, 3, 1])
        #expect(throws: WireError.self) { try Frontier(from: &short) }
        var vast = ByteReader([UInt8](repeating: 0xFF, count: 4_000))
        #expect(throws: WireError.self) { try Frontier(from: &vast) }
    }

    @Test("an unfinished pass over the leaves gives no hashes")
    func unfinished() {
        var hasher = RangeHasher([2..<4, 0..<1])
        for hash in Self.tree.hashes.prefix(3) { hasher.add(hash) }
        #expect(hasher.hashes == nil)
        hasher.add(Self.tree.hashes[3])
        #expect(hasher.hashes?[1] == Self.tree.hashes[0])
    }

    /// Paths that differ from this one in one thing each.
    private static func changes(of path: [TreeHash]) -> [[TreeHash]] {
        var changes = [path + [.ofEmptyTree]]
        if !path.isEmpty {
            changes.append(Array(path.dropLast()))
            changes.append(Array(path.dropFirst()))
            changes.append(path.dropLast() + [.ofEmptyTree])
            changes.append([.ofEmptyTree] + path.dropFirst())
        }
        if path.count > 1, path[0] != path[1] {
            changes.append([path[1], path[0]] + path.dropFirst(2))
        }
        return changes
    }
}
