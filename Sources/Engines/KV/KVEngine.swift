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
