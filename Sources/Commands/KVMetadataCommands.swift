import ArgumentParser
import Client
import Wire

struct KVMetadataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metadata",
        abstract: "A secret's versions and settings: get, put, delete.",
        subcommands: [
            KVMetadataGetCommand.self, KVMetadataPutCommand.self, KVMetadataDeleteCommand.self,
        ]
    )
}

struct KVMetadataGetCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show a secret's settings and versions, without its data."
    )

    @Argument(help: "path of the secret") var path: String
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        try mount.requireVersions()
        let target = mount.path("metadata")
        let response = try client.send(ClientRequest(.get, target))
        if response.status == 404, response.errors.isEmpty {
            throw CommandFailure.nothing(at: target, typed: path, list: "kv list")
        }
        let answer = try VaultClient.object(of: response) ?? JSONObject()
        let envelope = Envelope(answer)
        switch try options.connection.format.chosen(session) {
        case .json: session.printJSON(.object(envelope.document))
        case .table: session.printText(text(envelope.data ?? JSONObject(), target))
        }
        return .done
    }

    private func text(_ metadata: JSONObject, _ target: String) -> String {
        var settings = metadata
        settings["versions"] = nil
        let table = ResultText.table(settings)
        var blocks = [ResultText.heading("Metadata", above: table) + "\n" + table.text()]
        let versions = metadata["versions"]?.asObject?.members ?? []
        let sorted = versions.sorted { (Int($0.name) ?? 0) < (Int($1.name) ?? 0) }
        for (number, value) in sorted {
            var version = value.asObject ?? JSONObject()
            if version["deletion_time"]?.asString == "" { version["deletion_time"] = "n/a" }
            let table = ResultText.table(version)
            blocks.append(
                ResultText.heading("Version \(number)", above: table) + "\n" + table.text()
            )
        }
        return blocks.joined(separator: "\n\n")
    }
}

struct KVMetadataPutCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Change a secret's settings."
    )

    @Argument(help: "path of the secret") var path: String
    @Option(name: long("max-versions"), help: "versions to keep; 0: as the mount says")
    var versionsMax: Int?
    @Option(name: long("cas-required"), help: "true: every put needs -cas")
    var requiresCAS: Bool?
    @Option(name: long("delete-version-after"), help: "life of a version, as 72h; 0s: for ever")
    var life: String?
    @Option(name: long("custom-metadata"), help: "key=value, again for more; replaces all")
    var custom: [String] = []
    @OptionGroup var options: KVOptions

    func validate() throws {
        if let life, GoDuration.parse(life) == nil {
            throw ValidationError("-delete-version-after must be a duration like 72h")
        }
        for item in custom where item.firstIndex(of: "=") == nil {
            throw ValidationError("-custom-metadata must be key=value")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        var body = JSONObject()
        if let versionsMax { body["max_versions"] = .number(JSONNumber(versionsMax)) }
        if let requiresCAS { body["cas_required"] = .bool(requiresCAS) }
        if let life { body["delete_version_after"] = .string(life) }
        if !custom.isEmpty {
            var pairs = JSONObject()
            for item in custom {
                let parts = item.split(
                    separator: "=",
                    maxSplits: 1,
                    omittingEmptySubsequences: false
                )
                pairs[String(parts[0])] = .string(String(parts[1]))
            }
            body["custom_metadata"] = .object(pairs)
        }
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        try mount.requireVersions()
        let target = mount.path("metadata")
        let answer = try client.call(ClientRequest(.put, target, body: .object(body)))
        let format = try options.connection.format.chosen(session)
        try session.show(answer, format, silence: "data written to: \(target)")
        return .done
    }
}

struct KVMetadataDeleteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a secret with all its versions, for good."
    )

    @Argument(help: "path of the secret") var path: String
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        try mount.requireVersions()
        let target = mount.path("metadata")
        let answer = try client.call(ClientRequest(.delete, target))
        let format = try options.connection.format.chosen(session)
        try session.show(answer, format, silence: "data deleted (if it existed) at: \(target)")
        return .done
    }
}
