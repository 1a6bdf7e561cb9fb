package import Audit
import Engines
import Wire

/// What the options of an audit device say, checked.
package struct AuditDevicePlan: Sendable, Equatable {
    /// Where the lines go.
    package enum Target: Sendable, Equatable {
        /// Nowhere: only the digests of `sys/audit-hash` are of use.
        case discard
        case standardOutput
        /// A file that lines are added to. `mode` nil leaves the permissions as they are.
        case file(path: String, mode: UInt32?)
        /// A syslog collector.
        case syslog(Collector)
    }

    /// A syslog collector, reached over TCP.
    package struct Collector: Sendable, Equatable {
        /// Name or address.
        package var host = ""
        /// 1 to 65535.
        package var port = 0
        /// Whether the connection is TLS, and what vouches for the collector: certificates in PEM;
        /// empty for those that the system trusts.
        package var isTLS = false
        package var authorities = ""
        /// The name in its certificate, where that is not the host's.
        package var serverName = ""
        package var facility = SyslogFormat.Facility.auth
        package var tag = "holdfast"
        /// A message that is not taken for so long has failed.
        package var timeoutSeconds = 2
    }

    /// Where the lines go.
    package let target: Target
    /// Whether accessors are replaced by digests.
    package let hashesAccessors: Bool
    /// Whether the names in the answer to a list are only counted.
    package let elidesLists: Bool
    /// Text before each line.
    package let prefix: String

    init(type: String, _ options: [MountRecord.Option]) throws(VaultError) {
        let options = AuditOptions(options)
        switch type {
        case "file": target = try Self.file(options)
        case "syslog": target = .syslog(try Self.collector(options))
        default: throw .invalid("unknown backend type: \(GoText.quoted(type))")
        }
        switch options["format"] ?? "json" {
        case "json": break
        case "jsonx":
            throw .invalid(
                "jsonx formatting has been removed, consider switching to json by omitting "
                    + "\"format\" or setting it to \"json\""
            )
        case let other: throw .invalid("unknown format type \(GoText.quoted(other))")
        }
        hashesAccessors = try options.flag("hmac_accessor") ?? true
        elidesLists = try options.flag("elide_list_responses") ?? false
        prefix = try Self.prefix(options)
        if try options.flag("log_raw") == true {
            throw .invalid(
                "log_raw is refused: no secret leaves this vault in the clear; compare digests "
                    + "with sys/audit-hash"
            )
        }
        if try options.flag("fallback") == true || options["filter"] != nil
            || options["exclude"] != nil
        {
            throw .invalid("this version of Holdfast writes every record to every device")
        }
    }

    /// Whoever may make devices must not gain more of the node than lines in a log: text before
    /// each line could otherwise be another program's whole line, a key of `authorized_keys` say.
    private static func prefix(_ options: AuditOptions) throws(VaultError) -> String {
        let prefix = options["prefix"] ?? ""
        guard prefix.utf8.count <= VaultLimits.auditPrefixBytesMax,
            prefix.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            throw .invalid(
                "prefix is longer than \(VaultLimits.auditPrefixBytesMax) bytes of printable ASCII"
            )
        }
        return prefix
    }

    private static func file(_ options: AuditOptions) throws(VaultError) -> Target {
        guard let path = options["file_path"] ?? options["path"], !path.isEmpty else {
            throw .invalid("file_path is required")
        }
        let mode = try options["mode"].map { (text) throws(VaultError) -> UInt32 in
            guard let mode = UInt32(text, radix: 8), text.utf8.first != 0x2B else {
                throw .invalid(
                    "strconv.ParseUint: parsing \(GoText.quoted(text)): invalid syntax"
                )
            }
            guard mode <= 0o777 else { throw .invalid("mode \(text) is more than permissions") }
            guard mode & 0o111 == 0 else {
                throw .invalid("mode \(text) would make the audit log a program")
            }
            return mode
        }
        switch path {
        case "discard": return .discard
        case "stdout": return .standardOutput
        default: break
        }
        guard path.utf8.first == 0x2F, !path.utf8.contains(0) else {
            throw .invalid(
                "file_path is \(GoText.quoted(path)), and every node needs a whole path: begin it "
                    + "with a slash"
            )
        }
        // As OpenBao: without a mode, or with 0000, a file that is there keeps its own.
        return .file(path: path, mode: mode == nil ? 0o600 : mode == 0 ? nil : mode)
    }

    private static func collector(_ options: AuditOptions) throws(VaultError) -> Collector {
        var collector = Collector()
        if let name = options["facility"] {
            guard let facility = SyslogFormat.Facility(name: name) else {
                throw .invalid("invalid syslog facility: \(name.uppercased())")
            }
            collector.facility = facility
        }
        guard let address = options["address"], !address.isEmpty else {
            throw .invalid("address is required")
        }
        (collector.host, collector.port) = try place(address)
        switch options["protocol"] ?? "tls" {
        case "tls": collector.isTLS = true
        case "tcp": break
        case let other: throw .invalid("protocol is \(GoText.quoted(other)): give tls or tcp")
        }
        collector.authorities = options["tls_ca_cert"] ?? ""
        collector.serverName = options["tls_server_name"] ?? ""
        if let tag = options["tag"], !tag.isEmpty { collector.tag = tag }
        if let text = options["write_timeout"] {
            do throws(DurationError) {
                let seconds = try GoDuration.nanoseconds(of: text) / 1_000_000_000
                guard (1...60).contains(seconds) else {
                    throw .invalid(text)
                }
                collector.timeoutSeconds = Int(seconds)
            } catch {
                throw .invalid("write_timeout is \(GoText.quoted(text)): give 1s to 60s")
            }
        }
        return collector
    }

    /// `host:port`, an IPv6 address in brackets.
    private static func place(_ address: String) throws(VaultError) -> (String, Int) {
        guard let colon = address.lastIndex(of: ":"),
            let port = Int(address[address.index(after: colon)...]), (1...65_535).contains(port),
            colon > address.startIndex
        else { throw .invalid("address is \(GoText.quoted(address)): give host:port") }
        let host = address[..<colon]
        guard host.first == "[", host.last == "]" else { return (String(host), port) }
        return (String(host.dropFirst().dropLast()), port)
    }
}

/// The options of a device, looked up by name.
struct AuditOptions {
    private let options: [MountRecord.Option]

    init(_ options: [MountRecord.Option]) { self.options = options }

    subscript(name: String) -> String? {
        options.first { utf8Equals($0.name, name) }?.value
    }

    /// A truth value as Go's `strconv.ParseBool` takes it; nil if it was not given.
    func flag(_ name: String) throws(VaultError) -> Bool? {
        guard let text = self[name] else { return nil }
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        default:
            throw .invalid("strconv.ParseBool: parsing \(GoText.quoted(text)): invalid syntax")
        }
    }
}
