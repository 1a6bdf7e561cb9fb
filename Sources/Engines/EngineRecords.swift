import Barrier

/// Reads and lists that translate the barrier's errors. Shared by the engines.
enum EngineRecords {
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

    /// A record that was decoded, and when it was written; nil if there is none.
    static func record<Record>(
        _ path: String,
        _ mount: MountID,
        _ view: borrowing BarrierView,
        _ decode: ([UInt8]) throws(EngineError) -> Record
    ) throws(EngineError) -> (record: Record, modificationIndex: UInt64)? {
        guard let opened = try read(path, mount, view) else { return nil }
        return (try decode(opened.value), opened.modificationIndex)
    }

    /// Answers the request to list a folder, with its parameters `after` and `limit`.
    ///
    /// - Throws: as ``list(_:page:_:_:)``.
    static func listing(
        _ folder: String,
        _ request: EngineRequest,
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, pageSchema)
        let names = try list(folder, page: ListPage(fields), mount, view)
        return .answer(EngineAnswer(data: KVAnswers.keys(names), warnings: fields.warnings))
    }

    private static let pageSchema = FieldSchema([("after", .text), ("limit", .int)])

    /// Removes a record as it was read, and nothing besides.
    static func removal(of path: String, at modificationIndex: UInt64) -> EngineStep {
        var plan = BatchPlan()
        plan.check(path, modificationIndex)
        plan.delete(path)
        return .commit(plan, .empty)
    }

    /// Names in a folder, sorted by bytes, folders ending in `/`.
    ///
    /// - Throws: ``EngineError/notFound`` when there is none: the API has no empty list.
    static func list(
        _ folder: String,
        page: ListPage = ListPage(),
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        let names = try names(folder, page: page, mount, view)
        if names.isEmpty { throw .notFound }
        return names
    }

    /// The names of everything below a folder, relative to it, without the folders themselves: what
    /// is in a folder stands before what is deeper, and of its folders the last one comes first.
    ///
    /// - Throws: ``EngineError/invalid(_:)`` where there are more than
    ///   ``EngineLimits/scanNamesMax``.
    static func scan(
        _ folder: String,
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        var found: [String] = []
        var seen = 0
        var waiting = [""]
        while let branch = waiting.popLast() {
            let names = try names(folder + branch, page: ListPage(), mount, view)
            seen += names.count
            guard seen <= EngineLimits.scanNamesMax else {
                throw .invalid(
                    "there are more than \(EngineLimits.scanNamesMax) names below this folder: "
                        + "scan its folders one by one"
                )
            }
            for name in names {
                if name.utf8.last == 0x2F {
                    waiting.append(branch + name)
                } else {
                    found.append(branch + name)
                }
            }
        }
        return found
    }

    private static func names(
        _ folder: String,
        page: ListPage,
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        do throws(BarrierError) {
            return try view.list(mount, directory: folder, after: page.after, limit: page.limit)
        } catch {
            throw .barrier(error)
        }
    }
}

/// Which part of a listing is wanted.
package struct ListPage {
    /// Names up to and including this one are left out; it need not exist.
    package internal(set) var after: String?
    /// Most names.
    package internal(set) var limit = Int.max

    /// All of it.
    package init() {}

    /// The parameters `after` and `limit`; no limit, 0 and less mean everything.
    package init(_ fields: Fields) {
        if let after = fields.text("after"), !after.isEmpty { self.after = after }
        if let limit = fields.int("limit"), limit > 0 { self.limit = limit }
    }
}
