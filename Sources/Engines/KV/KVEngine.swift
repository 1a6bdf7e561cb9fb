package import Barrier

/// The key-value engine, both versions. Pure: a step reads through the view it is lent and returns
/// what to write.
package enum KVEngine {
    /// One request to a KV mount.
    ///
    /// - Parameter view: opened at or after the read index of the request; it holds the mount's
    ///   keys.
    /// - Throws: ``EngineError``; nothing is written then.
    package static func step(
        _ request: EngineRequest,
        in mount: EngineMount,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        switch mount.kind {
        case .kvVersion1: try KVVersion1(mount: mount).step(request, view: view)
        case .kvVersion2: try KVVersion2(mount: mount).step(request, view: view)
        }
    }
}

/// Whether what a write is about was there: a question of policies, which tell creating from
/// updating.
package struct KVExistence: Sendable, Equatable {
    /// The record that tells, relative to the mount.
    package let path: String
    /// When that was written; 0: it is not there.
    package let modificationIndex: UInt64

    /// Whether a write would be an update.
    package var isThere: Bool { modificationIndex > 0 }
}

extension KVEngine {
    /// Looks whether the name behind a path is there. Reads no value.
    ///
    /// - Parameter path: below the mount.
    /// - Returns: nil for paths at which nothing is created.
    package static func existence(
        of path: String,
        in mount: EngineMount,
        view: borrowing BarrierView
    ) throws(EngineError) -> KVExistence? {
        let record: String
        switch mount.kind {
        case .kvVersion1:
            guard KVNames.isKey(path) else { return nil }
            record = path
        case .kvVersion2:
            switch KVEndpoint(path: path) {
            case .data(let name), .metadata(let name):
                guard KVNames.isKey(name) else { return nil }
                record = KVNames.metadata(name)
            case .config, .delete, .undelete, .destroy, .later, nil: return nil
            }
        }
        do throws(BarrierError) {
            let index = try view.modificationIndex(mount.id, record)
            return KVExistence(path: record, modificationIndex: index)
        } catch {
            throw .barrier(error)
        }
    }
}

/// Reads and lists that translate the barrier's errors. Shared by both versions.
enum KVRecords {
    static func read(
        _ path: String,
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> Opened? {
        do throws(BarrierError) {
            return try view.read(mount, path)
        } catch {
            throw .barrier(error)
        }
    }

    /// Names in a folder, sorted by bytes, folders ending in `/`.
    ///
    /// - Throws: ``EngineError/notFound`` when there is none: the API has no empty list.
    static func list(
        _ folder: String,
        page: KVPage = KVPage(),
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        let names: [String]
        do throws(BarrierError) {
            names = try view.list(mount, directory: folder, after: page.after, limit: page.limit)
        } catch {
            throw .barrier(error)
        }
        if names.isEmpty { throw .notFound }
        return names
    }
}

/// Which part of a listing is wanted.
struct KVPage {
    /// Names up to and including this one are left out; it need not exist.
    var after: String?
    var limit = Int.max
}
