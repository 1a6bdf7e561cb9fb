import ArgumentParser
import Client
import Node
import Wire

struct InitCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a new vault: its shares and its root token.",
        discussion: """
            Prints every share and the root token once; they are stored nowhere. Give each share \
            to another person.
            """
    )

    @Option(
        name: [
            .customLong("key-shares", withSingleDash: true), .customLong("key-shares"),
            .customLong("shares", withSingleDash: true), .customLong("shares"), .customShort("n"),
        ],
        help: "how many shares to make"
    )
    var shares = 5

    @Option(
        name: [
            .customLong("key-threshold", withSingleDash: true), .customLong("key-threshold"),
            .customLong("threshold", withSingleDash: true), .customLong("threshold"),
            .customShort("t"),
        ],
        help: "how many of them open the vault"
    )
    var threshold = 3

    @Flag(name: long("status"), help: "only tell whether there is a vault: exit code 0 or 2")
    var asksOnly = false

    @Flag(name: long("abandon"), help: "drop a vault that nobody has unsealed yet")
    var abandons = false

    @Option(name: long("data"), help: "for -abandon: the data folder of the node that is asked")
    var data: String?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if abandons, data == nil {
            throw ValidationError("-abandon needs -data, to show that you may use the node's files")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let format = try connection.format.chosen(session)
        if asksOnly { return try tellStatus(client, session, format) }
        if abandons, let data { return try abandon(client, session, format, data: data) }
        let body: JSONValue = [
            "secret_shares": .number(JSONNumber(shares)),
            "secret_threshold": .number(JSONNumber(threshold)),
        ]
        let answer = try client.call(ClientRequest(.put, "sys/init", body: body)) ?? JSONObject()
        guard let token = answer["root_token"]?.asString else {
            throw ClientError.badAnswer(client.settings.address.text, reason: "no root token")
        }
        let keys = (answer["keys_words"] ?? answer["keys_base64"])?.asArray ?? []
        switch format {
        case .json: session.printJSON(.object(answer))
        case .table:
            var lines = keys.enumerated().map { position, key in
                "Unseal Key \(position + 1): \(key.asString ?? "")"
            }
            lines += ["", "Initial Root Token: \(token)"]
            session.printText(lines.joined(separator: "\n"))
        }
        session.terminal.say(
            "the vault has \(keys.count) shares, any \(threshold) open it; they are stored nowhere"
        )
        session.terminal.hint("holdfast unseal, \(threshold) times on every node")
        return .done
    }

    /// A vault whose shares were lost with the answer to init holds nothing yet and may go. The
    /// node wants to see a file of its data folder, in place of a token that nobody has.
    private func abandon(
        _ client: VaultClient,
        _ session: Session,
        _ format: OutputFormat,
        data: String
    ) throws -> ExitStatus {
        guard let proof = try LocalProof.read(data) else {
            throw CommandFailure(
                .refused,
                "no node runs on the data folder \(data)",
                "holdfast init -abandon -data=FOLDER, on the machine of the node"
            )
        }
        var request = ClientRequest(.delete, "sys/init")
        request.headers = [(LocalProof.header, proof)]
        _ = try client.call(request)
        switch format {
        case .json: session.printJSON(["initialized": false])
        case .table: session.printText("the vault is abandoned")
        }
        session.terminal.hint("holdfast init")
        return .done
    }

    private func tellStatus(
        _ client: VaultClient,
        _ session: Session,
        _ format: OutputFormat
    ) throws -> ExitStatus {
        let answer = try client.call(ClientRequest(.get, "sys/init")) ?? JSONObject()
        let isInitialised = answer["initialized"]?.asBool ?? false
        switch format {
        case .json: session.printJSON(.object(answer))
        case .table:
            session.printText(isInitialised ? "the vault exists" : "there is no vault yet")
        }
        return isInitialised ? .done : .server
    }
}

struct UnsealCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal",
        abstract: "Give one share to a sealed node.",
        discussion: """
            The share is typed without echo. If standard input is not a terminal, every line of \
            it is one share. Exit code 2 while the node is still sealed.
            """
    )

    @Flag(name: long("reset"), help: "forget the shares given so far")
    var resets = false

    @OptionGroup var connection: ConnectionOptions

    // A share on the command line is refused without being repeated.
    @Argument(help: .hidden) var refused: [String] = []
    @Option(name: long("key"), help: .hidden) var refusedKey: String?
    @Option(name: long("share"), help: .hidden) var refusedShare: String?

    func validate() throws {
        if !refused.isEmpty || refusedKey != nil || refusedShare != nil {
            throw ValidationError(
                "a share is never an argument; it is asked for or read from "
                    + "standard input"
            )
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let format = try connection.format.chosen(session)
        var status: JSONObject
        if resets {
            status = try give(["reset": true], client)
        } else {
            let shares = try session.terminal.secrets("unseal share")
            guard !shares.isEmpty else {
                throw CommandFailure(
                    .refused,
                    "standard input is empty",
                    "give the share on it, or call holdfast unseal at a terminal"
                )
            }
            status = JSONObject()
            for share in shares {
                status = try give(["key": .string(share)], client)
                if status["sealed"]?.asBool == false { break }
            }
        }
        let isSealed = status["sealed"]?.asBool ?? true
        switch format {
        case .json: session.printJSON(.object(status))
        case .table: session.printText(text(status, isSealed))
        }
        if isSealed, !resets { session.terminal.hint("holdfast unseal, with another share") }
        return isSealed && !resets ? .server : .done
    }

    private func give(_ body: JSONValue, _ client: VaultClient) throws -> JSONObject {
        do {
            return try client.call(ClientRequest(.put, "sys/unseal", body: body)) ?? JSONObject()
        } catch {
            guard case .server(400, let errors, let address) = error else { throw error }
            let text = ClientError.line(errors)
            throw CommandFailure(
                .server,
                "\(address) did not take it: \(text)",
                text.contains("not initialized")
                    ? "holdfast init" : "check that the whole share was given; holdfast status"
            )
        }
    }

    private func text(_ status: JSONObject, _ isSealed: Bool) -> String {
        guard isSealed else { return "unsealed" }
        let have = status["progress"]?.asInt ?? 0
        let need = status["t"]?.asInt ?? 0
        return resets
            ? "the shares given so far are forgotten"
            : "share \(have) of \(need) accepted, still sealed"
    }
}

struct SealCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal a node: it forgets its keys and keeps replicating."
    )

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        _ = try client.call(ClientRequest(.put, "sys/seal"))
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(["sealed": true])
        case .table: session.printText("\(client.settings.address.text) is sealed")
        }
        return .done
    }
}

struct StatusCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a node's seal state and who leads.",
        discussion: "Exit code 0 if the node is unsealed, 2 if it is sealed, 1 on failure."
    )

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let format = try connection.format.chosen(session)
        var settings = try connection.settings(session)
        settings.retriesMax = 0
        let client = try VaultClient(settings)
        var status: JSONObject
        let leader: JSONObject?
        let node: NodeStatusAnswer?
        do {
            status = try client.call(ClientRequest(.get, "sys/seal-status")) ?? JSONObject()
            // Sealed nodes answer 503 here.
            let response = try client.send(ClientRequest(.get, "sys/leader"))
            leader = response.status == 200 ? response.object : nil
            // Other servers of this API have no such thing, and an error for it.
            let own = try client.send(ClientRequest(.get, "sys/node-status"))
            node = NodeStatusAnswer(own.status == 200 ? own.object : nil)
        } catch {
            throw CommandFailure(.refused, error.summary, Hint.text(for: error))
        }
        let isSealed = status["sealed"]?.asBool ?? true
        switch format {
        case .json:
            for (name, value) in leader?.members ?? [] { status[name] = value }
            if let node {
                status["node_status"] = .object(node.object)
                status["warnings"] = StatusWarning.json(troubles(of: node, client))
            }
            session.printJSON(.object(status))
        case .table:
            var table = table(status, leader)
            if let node { add(node, to: &table) }
            let warnings = node.map { troubles(of: $0, client) } ?? []
            let lines = StatusWarning.lines(warnings, columns: ClusterReport.columnsMax)
            session.printText(([table.text()] + lines).joined(separator: "\n"))
        }
        if isSealed {
            let hasVault = status["initialized"]?.asBool ?? false
            session.terminal.hint(hasVault ? "holdfast unseal" : "holdfast init")
        }
        return isSealed ? .server : .done
    }

    private func troubles(
        of node: NodeStatusAnswer,
        _ client: VaultClient
    ) -> [StatusWarning] {
        var warnings: [StatusWarning] = []
        if node.isInitialized, !node.hasLeader {
            warnings.append(
                StatusWarning(
                    node: nil,
                    problem: "this node knows no leader: no majority is up, or it is cut off",
                    next: "holdfast cluster status"
                )
            )
        }
        let address = client.settings.address.text
        return warnings + StatusWarning.of(node, at: address) + StatusWarning.of(node.jobs)
    }

    /// What this node says of itself beyond OpenBao's table.
    private func add(_ node: NodeStatusAnswer, to table: inout Table) {
        table.add(["Node", node.name])
        table.add(["Role", node.role])
        table.add(["Leader", node.leader ?? (node.hasLeader ? "known" : "none")])
        table.add(["Term", String(node.term)])
        if node.isSealed { table.add(["Applied Index", String(node.appliedIndex)]) }
        if let bytes = node.databaseBytes { table.add(["Database", StatusText.bytes(bytes)]) }
        if let available = node.diskAvailable, let total = node.diskTotal {
            let text = "\(StatusText.bytes(available)) of \(StatusText.bytes(total))"
            table.add(["Disk Available", text])
        }
        if let isAudited = node.isAudited { table.add(["Audit Log", isAudited ? "on" : "off"]) }
        if let jobs = node.jobs { table.add(["Jobs", StatusText.text(jobs)]) }
    }

    private func table(_ status: JSONObject, _ leader: JSONObject?) -> Table {
        var table = Table(["Key", "Value"])
        func add(_ label: String, _ value: JSONValue?) {
            if let value { table.add([label, ResultText.cell(value)]) }
        }
        add("Seal Type", status["type"])
        add("Initialized", status["initialized"])
        add("Sealed", status["sealed"])
        add("Total Shares", status["n"])
        add("Threshold", status["t"])
        if status["sealed"]?.asBool == true, let progress = status["progress"]?.asInt {
            let need = status["t"]?.asInt ?? 0
            add("Unseal Progress", .string("\(progress)/\(need)"))
            let nonce = status["nonce"]?.asString ?? ""
            add("Unseal Nonce", .string(nonce.isEmpty ? "n/a" : nonce))
        }
        add("Version", status["version"])
        add("Storage Type", status["storage_type"])
        add("Cluster Name", status["cluster_name"])
        add("Cluster ID", status["cluster_id"])
        if let leader {
            add("HA Enabled", leader["ha_enabled"])
            if leader["ha_enabled"]?.asBool == true {
                add("HA Mode", leader["is_self"]?.asBool == true ? "active" : "standby")
                add("Active Since", leader["active_time"])
                add("Active Node Address", leader["leader_address"])
                add("Committed Index", leader["raft_committed_index"])
                add("Applied Index", leader["raft_applied_index"])
            }
        }
        return table
    }
}
