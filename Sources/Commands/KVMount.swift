import ArgumentParser
import Client
import Wire

/// Which mount a path of the KV engine belongs to, and how that mount wants to be spoken to.
///
/// The server is asked before every command, as other clients of this API do: `secret/a` may be
/// version 1 or 2, and a mount's own path may hold slashes.
struct KVMount {
    /// With a final slash.
    let mount: String
    /// Whether values have versions (KV version 2).
    let hasVersions: Bool
    /// What follows the mount's path.
    let name: String

    /// - Parameters:
    ///   - path: as typed: with the mount's path, or without it if `mount` is given.
    init(_ path: String, mount explicit: String?, _ client: VaultClient) throws {
        let path = APIPath.clean(path)
        let asked = explicit.map(APIPath.clean) ?? path
        let request = ClientRequest(.get, "sys/internal/ui/mounts/\(asked)")
        let answer = try client.call(request).map(Envelope.init)
        guard let data = answer?.data, let mount = data["path"]?.asString, mount.hasSuffix("/")
        else {
            throw ClientError.badAnswer(
                client.settings.address.text,
                reason: "no mount for \(asked)"
            )
        }
        self.mount = mount
        let version = data["options"]?.asObject?["version"]
        hasVersions = version?.asString == "2" || version?.asInt == 2
        if explicit != nil {
            name = path
        } else if path.utf8.starts(with: mount.utf8) {
            name = String(decoding: path.utf8.dropFirst(mount.utf8.count), as: UTF8.self)
        } else {
            name = ""
        }
    }

    /// The API's path for a purpose (`data`, `metadata`, `delete` …); version 1 has no purposes.
    func path(_ purpose: String) -> String {
        let prefix = hasVersions ? "\(mount)\(purpose)/" : mount
        return APIPath.clean(prefix + name)
    }

    /// Refuses a command that version 1 does not have.
    func requireVersions() throws {
        guard hasVersions else {
            throw CommandFailure(
                .refused,
                "\(mount) is a KV mount of version 1, which keeps no versions",
                "holdfast kv get \(mount)\(name)"
            )
        }
    }
}

/// Options of every KV command.
struct KVOptions: ParsableArguments {
    @Option(name: long("mount"), help: "path of the mount; the path then comes without it")
    var mount: String?

    @OptionGroup var connection: ConnectionOptions
}

/// Version numbers as typed: `1,2,3`.
struct VersionList: ExpressibleByArgument {
    let numbers: [Int]

    init?(argument: String) {
        var numbers: [Int] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int(part), number > 0 else { return nil }
            numbers.append(number)
        }
        self.numbers = numbers
    }

    var json: JSONValue { .array(numbers.map { .number(JSONNumber($0)) }) }

    var text: String { numbers.map(String.init).joined(separator: ",") }
}
