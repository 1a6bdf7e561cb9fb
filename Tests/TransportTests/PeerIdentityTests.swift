import Glibc
import Raft
import TestSupport
import Testing
import Wire

@testable import Transport

extension NetworkTests {
    @Suite("peer identity")
    struct PeerIdentityTests {
        @Test("is made once, kept at mode 0600, and has the pin of its public key")
        func keyFile() throws {
            let folder = TemporaryFolder()
            let first = try NodeIdentity.loadOrCreate(folder: folder.path)
            let second = try NodeIdentity.loadOrCreate(folder: folder.path)
            #expect(first.pin == second.pin)
            #expect(first.pin.count == 32)
            #expect(Hex.decode(first.pinText) == first.pin)
            #expect(folder.mode(of: NodeIdentity.keyName) == 0o600)
            let path = folder.file(NodeIdentity.keyName)
            #expect(unsafe chmod(path, 0o604) == 0)
            #expect(throws: TransportError.keyExposed(path: path, mode: 0o604)) {
                try NodeIdentity.loadOrCreate(folder: folder.path)
            }
        }

        @Test("a damaged key file is named and left alone")
        func damaged() throws {
            let folder = TemporaryFolder()
            let path = folder.file(NodeIdentity.keyName)
            try PrivateFile.write(Array("no key".utf8), to: path, mode: 0o600)
            let reason = "not a PEM private key on curve P-256"
            #expect(throws: TransportError.malformed(path: path, reason: reason)) {
                try NodeIdentity.loadOrCreate(folder: folder.path)
            }
            #expect(try PrivateFile.read(path, isSecret: true) == Array("no key".utf8))
        }

        @Test("a member with another key than expected is refused by the one that dials")
        func wrongPinDialing() async throws {
            let folders = [TemporaryFolder(), TemporaryFolder()]
            let a = try await TestNode(1, folder: folders[0])
            let b = try await TestNode(2, folder: folders[1])
            let wrong = [UInt8](repeating: 0xAB, count: 32)
            a.transport.updatePeers([PeerEndpoint(id: b.id, address: b.address, pin: wrong)])
            b.transport.updatePeers([a.endpoint])
            try await eventually("the one that dials says so, with both pins") {
                a.events.refused.contains {
                    $0.contains(Hex.encode(wrong)) && $0.contains(b.identity.pinText)
                }
            }
            #expect(a.seen.contains("error", Hex.encode(wrong), b.identity.pinText))
            #expect(!a.transport.isConnected(to: b.id))
            await a.transport.stop()
            await b.transport.stop()
        }

        @Test("a stranger is refused by the one that listens, with both pins")
        func wrongPinListening() async throws {
            let folders = [TemporaryFolder(), TemporaryFolder(), TemporaryFolder()]
            let a = try await TestNode(1, folder: folders[0])
            let b = try await TestNode(2, folder: folders[1])
            let stranger = try NodeIdentity.loadOrCreate(folder: folders[2].path)
            let known = PeerEndpoint(id: a.id, address: a.address, pin: stranger.pin)
            a.transport.updatePeers([b.endpoint])
            b.transport.updatePeers([known])
            try await eventually("the one that listens says so") {
                b.seen.contains("error", a.identity.pinText, stranger.pinText, "caller")
            }
            try await eventually("the one that dials is told to look there") {
                a.seen.contains("warning", "no connection to node 2")
            }
            try await eventually("both know whose key was unknown") {
                a.events.unknownKeys.contains(.own) && b.events.unknownKeys.contains(.caller)
            }
            #expect(!b.transport.isConnectedToAny && !a.transport.isConnectedToAny)
            #expect(!a.events.unknownKeys.contains(.caller))
            #expect(b.events.resets.isEmpty && a.events.resets.isEmpty)
            await a.transport.stop()
            await b.transport.stop()
        }

        @Test("another cluster is refused, and both configurations are shown on both sides")
        func wrongCluster() async throws {
            try await withPair(clusters: (1, 2), areConnected: false) { a, b in
                for node in [a, b] {
                    try await eventually("the mismatch is told") {
                        node.events.refused.contains {
                            $0.contains("configuration of cluster 1")
                                && $0.contains("configuration of cluster 2")
                                && $0.contains(Hex.encode([UInt8](repeating: 1, count: 32)))
                                && $0.contains(Hex.encode([UInt8](repeating: 2, count: 32)))
                        }
                    }
                    try await eventually("and logged as caller and as called") {
                        node.seen.contains("error", "refused this node", "different clusters")
                            && node.seen.contains("error", "refused a caller", "different clusters")
                    }
                }
                #expect(!a.transport.isConnected(to: b.id) && !b.transport.isConnected(to: a.id))
                #expect(a.events.resets.isEmpty && b.events.resets.isEmpty)
            }
        }

        @Test("a member that claims another member's name is refused")
        func wrongName() async throws {
            let folders = [TemporaryFolder(), TemporaryFolder()]
            let a = try await TestNode(1, folder: folders[0])
            // Holds the key of node 2 and says that it is node 3.
            let liar = try await TestNode(3, folder: folders[1])
            let three = PeerEndpoint(
                id: liar.id,
                address: liar.address,
                pin: [UInt8](repeating: 3, count: 32)
            )
            let two = PeerEndpoint(
                id: NodeID(number: 2),
                address: liar.address,
                pin: liar.identity.pin
            )
            a.transport.updatePeers([two, three])
            liar.transport.updatePeers([a.endpoint])
            try await eventually("the lie is told") {
                a.seen.contains("error", "node 3", liar.identity.pinText, Hex.encode(three.pin))
            }
            #expect(!liar.transport.isConnected(to: a.id))
            await a.transport.stop()
            await liar.transport.stop()
        }

        @Test("addresses that are mixed up are named")
        func wrongAddress() async throws {
            let folders = [TemporaryFolder(), TemporaryFolder()]
            let a = try await TestNode(1, folder: folders[0])
            let b = try await TestNode(2, folder: folders[1])
            // Node 1 believes that node 2's key and address are node 5's.
            a.transport.updatePeers([
                PeerEndpoint(id: NodeID(number: 5), address: b.address, pin: b.identity.pin)
            ])
            b.transport.updatePeers([a.endpoint])
            try await eventually("the mix-up is told") {
                a.seen.contains("error", "node 1 dialed node 5 but reached node 2")
            }
            await a.transport.stop()
            await b.transport.stop()
        }
    }
}
