import ArgumentParser
import Client
import Node
import Wire

// Changes of the cluster's members. Each is one request to any node, which passes it to the
// leader, and each says what to look at next.

extension Session {
    /// Says what was changed: to a person in words, to a program as the one document it waits for.
    fileprivate func tell(_ words: String, _ document: JSONValue, _ format: OutputFormat) {
        switch format {
        case .json: printJSON(document)
        case .table: terminal.say(words)
        }
    }
}

struct JoinTokenCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "join-token",
        abstract: "Make a token with which one node may join.",
        discussion: """
            The token is shown once and admits one node. Whoever has it can join until it ends: \
            treat it as a password.
            """
    )

    @Option(name: long("ttl"), help: "seconds for which the token is valid, from 1 on")
    var seconds = 3_600
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        // Known before anything is done: a token that nobody sees would be in the way.
        let format = try connection.format.chosen(session)
        let answer = try connection.client(session).call(
            ClientRequest(
                .put,
                "sys/cluster/join-token",
                body: ["ttl_seconds": .number(JSONNumber(seconds))]
            )
        )
        guard let data = answer?["data"]?.asObject, let token = data["token"]?.asString else {
            throw ClientError.badAnswer("sys/cluster/join-token", reason: "no token")
        }
        switch format {
        case .json: session.printJSON(.object(data))
        case .table: session.printText(token)
        }
        session.terminal.hint(
            "on the new node: holdfast cluster join --config FILE, and paste the token"
        )
        return .done
    }
}

struct JoinCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Make this machine a member; then start it with holdfast server.",
        discussion: """
            Reads the node's settings, makes its key if there is none, and asks a member to admit \
            it. The token is typed or piped in, never an argument. When the answer is lost, \
            repeat it with the same token. The node becomes a voter by itself once it has \
            everything, unless -non-voter is given.
            """
    )

    @Option(name: long("config"), help: "the node's settings file, with a [join] table")
    var config: String
    @Flag(name: long("non-voter"), help: "stay a learner: receive everything, count for nothing")
    var isNonVoter = false
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let format = try connection.format.chosen(session)
        let settings = try SettingsReader.read(
            NodeFile.text(config),
            path: config,
            environment: session.environment.all
        )
        guard let place = settings.join else { throw SettingsError.missing("join") }
        let applicant = try NodeJoin.prepare(settings)
        let token = try session.terminal.secret("join token")
        let body: JSONValue = [
            "token": .string(token), "name": .string(settings.node),
            "region": .string(place.region), "zone": .string(place.zone),
            "peer_address": .string(place.peerAddress),
            "api_address": .string(settings.apiAddress), "pin": .string(applicant.pin),
            "incarnation": .number(JSONNumber(applicant.incarnation)),
            "non_voter": .bool(isNonVoter),
            "format_level": .number(JSONNumber(applicant.formatLevel)),
        ]
        let answer = try ask(try connection.client(session), body)
        guard let admission = answer?["data"]?.asObject?["admission"]?.asString,
            let bytes = Base64.decode(admission)
        else { throw ClientError.badAnswer("sys/cluster/join", reason: "no admission") }
        let members = try NodeJoin.enter(settings, as: applicant, admission: bytes)
        switch format {
        case .json:
            session.printJSON(
                ["node": .string(settings.node), "members": .number(JSONNumber(members))]
            )
        case .table: session.printText("\(settings.node) is a member of a cluster of \(members)")
        }
        session.terminal.hint("start it: holdfast server --config \(config); then unseal it")
        return .done
    }

    /// A node that may have been admitted has to ask again: the token knows its key by now.
    private func ask(_ client: VaultClient, _ body: JSONValue) throws -> JSONObject? {
        do throws(ClientError) {
            return try client.call(ClientRequest(.put, "sys/cluster/join", body: body))
        } catch {
            switch error {
            case .outcomeUnknown, .server(status: 409, errors: _, address: _):
                throw CommandFailure(
                    Hint.exitStatus(for: error),
                    error.summary,
                    "repeat it with the same token: holdfast cluster join --config \(config)"
                )
            default: throw error
            }
        }
    }
}

/// A change that names one member.
protocol MemberChange: OperatorCommand {
    /// Below `/v1/`.
    static var path: String { get }
    /// What to look at next.
    static var hint: String { get }
    var node: String { get }
    var connection: ConnectionOptions { get }
}

extension MemberChange {
    func perform(_ session: Session) throws -> ExitStatus {
        let format = try connection.format.chosen(session)
        let client = try connection.client(session)
        // The call itself says nothing about a name that nobody has, as OpenBao's does not.
        let members = try ClusterMember.all(client)
        guard members.contains(where: { $0.name == node }) else {
            let names = members.map(\.name).joined(separator: ", ")
            throw ValidationError("no member is called \(node); the members are \(names)")
        }
        _ = try client.call(
            ClientRequest(.put, Self.path, body: ["server_id": .string(node)])
        )
        let change = Self.configuration.commandName ?? ""
        session.tell(
            "done: \(change) \(node)",
            ["change": .string(change), "node": .string(node)],
            format
        )
        session.terminal.hint(Self.hint)
        return .done
    }
}

struct RemoveCommand: MemberChange {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a member, first making it a learner."
    )
    static let path = "sys/storage/raft/remove-peer"
    static let hint = "holdfast cluster status; the removed node can be stopped now"

    @Argument(help: "the member's name") var node: String
    @OptionGroup var connection: ConnectionOptions
}

struct PromoteCommand: MemberChange {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Make a learner a voter."
    )
    static let path = "sys/storage/raft/promote"
    static let hint = "holdfast cluster status"

    @Argument(help: "the member's name") var node: String
    @OptionGroup var connection: ConnectionOptions
}

struct DemoteCommand: MemberChange {
    static let configuration = CommandConfiguration(
        commandName: "demote",
        abstract: "Make a voter a learner, which stays one."
    )
    static let path = "sys/storage/raft/demote"
    static let hint = "holdfast cluster status"

    @Argument(help: "the member's name") var node: String
    @OptionGroup var connection: ConnectionOptions
}

struct TransferCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfer",
        abstract: "Hand leadership over, to the best follower or to a named one."
    )

    @Argument(help: "the member that is to lead; without it, the best one") var node: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let format = try connection.format.chosen(session)
        let client = try connection.client(session)
        if let node {
            let body: JSONValue = ["server_id": .string(node)]
            _ = try client.call(ClientRequest(.put, "sys/cluster/transfer", body: body))
        } else {
            _ = try client.call(ClientRequest(.put, "sys/step-down"))
        }
        session.tell(
            "leadership was handed over\(node.map { " to \($0)" } ?? "")",
            ["change": "transfer", "node": node.map(JSONValue.string) ?? nil],
            format
        )
        session.terminal.hint("holdfast cluster status")
        return .done
    }
}

struct ReplaceCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace",
        abstract: "Let a learner take a voter's place, in one change.",
        discussion: """
            The cluster never counts one voter less than before. The old member stays as a \
            learner; remove it afterwards.
            """
    )

    @Argument(help: "the voter that leaves its place") var old: String
    @Argument(help: "the learner that takes it") var new: String
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let format = try connection.format.chosen(session)
        let body: JSONValue = ["old_server_id": .string(old), "new_server_id": .string(new)]
        _ = try connection.client(session).call(
            ClientRequest(.put, "sys/cluster/replace", body: body)
        )
        session.tell(
            "\(new) votes in the place of \(old)",
            ["change": "replace", "node": .string(new), "replaced": .string(old)],
            format
        )
        session.terminal.hint("holdfast cluster remove \(old), once it is gone for good")
        return .done
    }
}
