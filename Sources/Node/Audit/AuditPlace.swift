import Audit
import Wire

/// Where a node keeps its audit logs: one for each vault that it ever knew, and of each as many
/// generations as it had to begin because the one before was damaged.
struct AuditPlace: Sendable {
    /// A folder inside the data folder.
    let folder: String
    /// This node, unique in its cluster for all times.
    let node: String

    /// - Parameter pin: SHA-256 of the node's public key. A node that was replaced has another one,
    ///   so its log is another log, and not a truncated one.
    init(data: String, name: String, pin: [UInt8]) {
        folder = data + "/audit"
        node = name + "-" + Hex.encode(Array(pin.prefix(4)))
    }

    func folder(of vaultID: [UInt8], generation: UInt64 = 1) -> String {
        folder + "/" + Hex.encode(vaultID) + AuditNames.suffix(generation)
    }

    /// The log's name.
    func origin(of vaultID: [UInt8], generation: UInt64 = 1) -> String {
        AuditNames.log(of: vaultID, node: node, generation: generation)
    }

    /// The generation that is written: the newest one whose folder is there.
    ///
    /// - Throws: ``AuditError/system(operation:path:code:)``.
    func generation(of vaultID: [UInt8]) throws(AuditError) -> UInt64 {
        let first = Hex.encode(vaultID)
        let names = try AuditLog.logs(in: folder)
        return names.compactMap { AuditNames.generation($0, of: first) }.max() ?? 1
    }
}

/// A log that was damaged, and what is known of it: the first record of the log that was begun
/// beside it.
struct AuditBreak: Sendable, Equatable {
    /// Name and folder of the damaged log.
    let origin: String
    let folder: String
    /// What is wrong with it; empty if a process before this one found that and said it.
    let reason: String
    /// The newest checkpoint of it that the members keep; nil if there is none.
    let anchored: Audit.Checkpoint?

    /// The path under which it is on the record.
    static let path = "sys/audit-break"

    /// The record. Nothing in it is secret, so a sealed node can write it, too.
    func line(at time: Timestamp) -> [UInt8] {
        var request = AuditRequest(
            id: uuidText([UInt8](repeating: 0, count: 16)),
            operation: "update",
            path: Self.path
        )
        request.data = ["log": .string(origin), "folder": .string(folder)]
        if let anchored {
            request.data["anchored_size"] = .number(JSONNumber(anchored.size))
            request.data["anchored_root"] = .string(anchored.root.base64)
        }
        var record = AuditRecord(time: time, request: request)
        record.response = AuditResponse()
        record.error = "the log before this one is damaged"
        if !reason.isEmpty { record.error += ": " + reason }
        return AuditFormat(hash: nil).line(record)
    }
}
