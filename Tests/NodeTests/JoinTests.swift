import Cryptography
import Raft
import Store
import TestSupport
import Testing
import Wire

@testable import Node

/// What a node that joins carries, is told, and says of itself.
@Suite("joining")
struct JoinTests {
    @Test("a secret survives its text, and no damaged text is taken")
    func secrets() throws {
        let secret = try JoinSecret.make()
        #expect(JoinSecret(secret.text) == secret)
        #expect(secret.digest.count == 32)
        #expect(try JoinSecret.make() != secret)
        let text = secret.text
        for damaged in [
            "", "hfj1.", String(text.dropLast()), text + "A", "x" + text, "hfj2" + text,
        ] {
            #expect(JoinSecret(damaged) == nil, "\(damaged.count) characters")
        }
    }

    @Test("an admission survives its bytes, and no damaged one is taken")
    func admissions() throws {
        let admission = Admission(
            clusterID: [UInt8](repeating: 7, count: 32),
            epoch: 1,
            formatLevel: 1,
            configuration: voters(3)
        )
        let bytes = admission.encoded()
        #expect(try Admission(decoding: bytes) == admission)
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try Admission(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: WireError.self) { try Admission(decoding: bytes + [0]) }
        #expect(throws: WireError.self) { try Admission(decoding: [1] + bytes.dropFirst()) }
    }

    private func settings(_ tail: String, data: String = "/d") throws -> Settings {
        try SettingsReader.read(
            """
            node = "eu-3"
            data = "\(data)"
            api_listen = "127.0.0.1:1"
            peer_listen = "127.0.0.1:2"
            \(tail)
            """,
            path: "test",
            environment: [:]
        )
    }

    /// As its cluster knows it.
    private func details(of applicant: NodeJoin.Applicant) throws -> MemberDetails {
        MemberDetails(
            name: "eu-3",
            region: "eu",
            zone: "eu",
            peerAddress: "h:1",
            apiAddress: "https://h:2",
            pin: try #require(Hex.decode(applicant.pin))
        )
    }

    @Test("a version that does not know the cluster's format level neither joins nor starts")
    func newerFormat() throws {
        let folder = TemporaryFolder()
        let settings = try settings(
            "[join]\nregion = \"eu\"\npeer_address = \"h:1\"",
            data: folder.path + "/node"
        )
        let applicant = try NodeJoin.prepare(settings)
        #expect(applicant.formatLevel == 1)
        let details = try details(of: applicant)
        let known = try voters(2).applying(
            .add(details, incarnation: 7, token: nil, awaitsPromotion: true)
        )
        func enter(_ configuration: Configuration) throws -> Int {
            let admission = Admission(
                clusterID: [UInt8](repeating: 7, count: 32),
                epoch: 0,
                formatLevel: configuration.formatLevel,
                configuration: configuration
            )
            return try NodeJoin.enter(settings, as: applicant, admission: admission.encoded())
        }
        let raised = try known.applying(.raiseFormat(2))
        let refusal = NodeError.newerFormat(level: 2, known: 1)
        #expect(throws: refusal) { try enter(raised) }
        #expect(try enter(known) == 3, "nothing was written before")
        // A version that was put back finds the level in its log, or beside its state.
        let store = try LocalStore.open(folder: settings.data, digest: sha256)
        var cluster = try #require(try store.load().cluster)
        try NodeStart.requireKnownFormat(known, cluster, settings.raft)
        #expect(throws: refusal) {
            try NodeStart.requireKnownFormat(raised, cluster, settings.raft)
        }
        cluster.formatLevel = 2
        #expect(throws: refusal) {
            try NodeStart.requireKnownFormat(known, cluster, settings.raft)
        }
    }

    @Test("of two attempts at once, the second finds the folder entered, and leaves it so")
    func enteredMeanwhile() throws {
        let folder = TemporaryFolder()
        let settings = try settings(
            "[join]\nregion = \"eu\"\npeer_address = \"h:1\"",
            data: folder.path + "/node"
        )
        let (first, second) = (try NodeJoin.prepare(settings), try NodeJoin.prepare(settings))
        #expect(first.incarnation != second.incarnation)
        #expect(first.pin == second.pin)
        func admission(of cluster: UInt8) throws -> [UInt8] {
            try Admission(
                clusterID: [UInt8](repeating: cluster, count: 32),
                epoch: 0,
                formatLevel: 1,
                configuration: voters(2).applying(
                    .add(
                        details(of: first),
                        incarnation: first.incarnation,
                        token: nil,
                        awaitsPromotion: true
                    )
                )
            ).encoded()
        }
        let answer = try admission(of: 7)
        #expect(try NodeJoin.enter(settings, as: first, admission: answer) == 3)
        #expect(try NodeJoin.enter(settings, as: second, admission: answer) == 3)
        let stranger = try admission(of: 8)
        #expect(throws: NodeError.joinedAlready(folder: settings.data)) {
            try NodeJoin.enter(settings, as: second, admission: stranger)
        }
        let store = try LocalStore.open(folder: settings.data, digest: sha256)
        let cluster = try #require(try store.load().cluster)
        #expect(cluster.incarnation == first.incarnation)
        #expect(cluster.clusterID == [UInt8](repeating: 7, count: 32))
    }

    @Test("settings: a [join] table stands in the place of [[member]] tables")
    func join() throws {
        let joined = try settings(
            """
            [join]
            region = "eu"
            peer_address = "eu-3:8201"
            """
        )
        #expect(joined.members.isEmpty)
        #expect(
            joined.join
                == Settings.JoinPlace(region: "eu", zone: "eu", peerAddress: "eu-3:8201")
        )
        #expect(throws: SettingsError.missing("member")) { try settings("") }
        #expect(throws: SettingsError.missing("join.peer_address")) {
            try settings("[join]\nregion = \"eu\"")
        }
        let both = """
            [join]
            region = "eu"
            peer_address = "h:1"
            [[member]]
            name = "eu-3"
            region = "eu"
            peer_address = "h:1"
            api_address = "https://h:2"
            pin = "\(String(repeating: "ab", count: 32))"
            """
        #expect(throws: SettingsError.self) { try settings(both) }
    }

    @Test("settings: [autopilot]")
    func autopilot() throws {
        let join = "\n[join]\nregion = \"eu\"\npeer_address = \"h:1\""
        #expect(try settings(join).autopilot == Settings.Autopilot())
        let set = try settings(
            "[autopilot]\ncleanup_dead_servers = true\n"
                + "dead_server_last_contact_threshold = \"2h\"" + join
        )
        #expect(set.autopilot.removesDead && set.autopilot.deadSeconds == 7_200)
        for wrong in ["1s", "soon", "9000h"] {
            #expect(throws: SettingsError.self) {
                try settings(
                    "[autopilot]\ndead_server_last_contact_threshold = \"\(wrong)\"" + join
                )
            }
        }
    }
}
