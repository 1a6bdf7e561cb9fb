import Barrier
import Wire

/// KV version 2: a name holds numbered versions, a write adds one.
///
/// A key is one metadata record and one record for each version (``KVNames``). Every change of a
/// key writes its metadata and checks that nobody else did, so two writers at once never get the
/// same version; the one that loses is stepped again.
struct KVVersion2 {
    let mount: EngineMount

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let endpoint = KVEndpoint(path: request.path) else {
            return .answer(Self.wrongPath(request))
        }
        try KVNames.check(endpoint.name)
        switch (endpoint, request.operation) {
        case (.config, .read): return try readConfig(request, view)
        case (.config, .update): return try writeConfig(request, view)
        case (.data(let name), .read): return try readData(name, request, view)
        case (.data(let name), .update): return try writeData(name, request, view)
        case (.data(let name), .patch): return try patchData(name, request, view)
        case (.data(let name), .delete): return try deleteLatest(name, request, view)
        case (.metadata(let name), .read): return try readMetadata(name, request, view)
        case (.metadata(let name), .update): return try writeMetadata(name, request, view)
        case (.metadata(let name), .patch): return try patchMetadata(name, request, view)
        case (.metadata(let name), .delete): return try deleteMetadata(name, view)
        case (.metadata(let folder), .list): return try list(folder, request, view)
        case (.metadata(let folder), .scan): return try scan(folder, request, view)
        case (.detailedMetadata(let folder), .list), (.detailedMetadata(let folder), .scan):
            return try listDetailed(folder, request, view)
        case (.subkeys(let name), .read): return try readSubkeys(name, request, view)
        case (.delete(let name), .update): return try deleteVersions(name, request, view)
        case (.undelete(let name), .update): return try undeleteVersions(name, request, view)
        case (.destroy(let name), .update): return try destroyVersions(name, request, view)
        default: throw .unsupportedOperation
        }
    }

    /// The record that tells whether a write would create something; nil where nothing is created.
    static func record(of path: String) -> String? {
        switch KVEndpoint(path: path) {
        case .data(let name), .metadata(let name):
            KVNames.isKey(name) ? KVNames.metadata(name) : nil
        case .config, .delete, .undelete, .destroy, .detailedMetadata, .subkeys, nil: nil
        }
    }

    /// The answer for a path that is none of the API's: it leads people who use the paths of
    /// version 1.
    private static func wrongPath(_ request: EngineRequest) -> EngineAnswer {
        let warning: String
        if KVEndpoint.isRoot(request.path) {
            warning = "Non-listing operations on the root of a K/V v2 mount are not supported."
        } else {
            let command =
                switch request.operation {
                case .read, .help: "get"
                case .update: "put"
                case .delete: "delete"
                case .list: "list"
                case .scan: "scan"
                case .patch: "patch"
                }
            warning =
                "Invalid path for a versioned K/V secrets engine. See the API docs for the "
                + "appropriate API endpoints to use. If using the OpenBao CLI, use "
                + "'bao kv \(command)' for this operation."
        }
        return EngineAnswer(status: 404, warnings: [warning])
    }
}

/// The endpoints of version 2.
enum KVEndpoint: Equatable {
    case config
    case data(String)
    case metadata(String)
    case delete(String)
    case undelete(String)
    case destroy(String)
    case detailedMetadata(String)
    case subkeys(String)

    /// Nil for a path that is none of the API's.
    init?(path: String) {
        if path == "config" {
            self = .config
            return
        }
        guard let slash = path.utf8.firstIndex(of: 0x2F) else { return nil }
        let name = String(path[path.utf8.index(after: slash)...])
        switch path[..<slash] {
        case "data": self = .data(name)
        case "metadata": self = .metadata(name)
        case "delete": self = .delete(name)
        case "undelete": self = .undelete(name)
        case "destroy": self = .destroy(name)
        case "detailed-metadata": self = .detailedMetadata(name)
        case "subkeys": self = .subkeys(name)
        default: return nil
        }
    }

    /// The key or folder behind the endpoint's own name.
    var name: String {
        switch self {
        case .config: ""
        case .data(let name), .metadata(let name), .delete(let name), .undelete(let name),
            .destroy(let name), .detailedMetadata(let name), .subkeys(let name):
            name
        }
    }

    /// Whether the path names an endpoint and no key.
    static func isRoot(_ path: String) -> Bool {
        switch path {
        case "data", "metadata", "delete", "undelete", "destroy": true
        default: false
        }
    }
}

/// A key's metadata as it was read: the record, or nil, and its modification index, or 0.
struct KVKeyState {
    var record: KVMetadataRecord?
    let modificationIndex: UInt64
}

/// A key that is about to get another version.
struct KVKey {
    let name: String
    let record: KVMetadataRecord
    /// Of its metadata; 0: it is new.
    let modificationIndex: UInt64
}

extension KVVersion2 {
    func state(
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> KVKeyState {
        guard KVNames.isKey(name),
            let opened = try EngineRecords.read(KVNames.metadata(name), mount.id, view)
        else { return KVKeyState(record: nil, modificationIndex: 0) }
        let record = try KVMetadataRecord(decoding: opened.value)
        return KVKeyState(record: record, modificationIndex: opened.modificationIndex)
    }

    /// A plan that writes a key's metadata, provided that nobody else did.
    func plan(
        _ record: KVMetadataRecord,
        of name: String,
        over index: UInt64
    ) throws(EngineError) -> BatchPlan {
        let path = KVNames.metadata(name)
        let value = record.encoded()
        guard value.count <= EngineLimits.valueBytesMax else {
            throw .tooLarge(
                "the metadata of this key is \(value.count) bytes with "
                    + "\(record.versions.count) versions, the limit is "
                    + "\(EngineLimits.valueBytesMax); lower max_versions"
            )
        }
        var plan = BatchPlan()
        plan.check(path, index)
        plan.put(path, value)
        return plan
    }
}
