import Glibc
import Store
import TestSupport

/// Opens an image as a node would after a power failure, and compares.
struct ImageChecker {
    let workload: Workload
    /// Where the recording ran: images name files below it.
    let live: String
    let scratch: String

    private var folder: String { scratch + "/image" }

    /// What is wrong with the image, or nil.
    ///
    /// - Parameters:
    ///   - step: the last acknowledged step; -1 before the store was first opened.
    ///   - continues: also writes to the store, and opens it once more.
    func problem(_ image: [String: [UInt8]], after step: Int, continues: Bool) -> String? {
        lay(image)
        do {
            if let problem = try compare(step) { return problem }
            if let problem = try missingExport(step) { return problem }
            return continues ? try goOn() : nil
        } catch {
            return "\(error)"
        }
    }

    private func lay(_ image: [String: [UInt8]]) {
        TemporaryFolder.remove(folder)
        precondition(makeFolder(folder), "cannot make \(folder)")
        precondition(makeFolder(folder + "/node"), "cannot make \(folder)/node")
        // Making a folder is not recorded: an empty one means nothing.
        precondition(makeFolder(folder + "/node/quarantine"), "cannot make a quarantine")
        for path in image.keys.sorted() {
            precondition(path.hasPrefix(live + "/"), "\(path) is not below \(live)")
            let name = path.dropFirst(live.count)
            // LMDB's lock file and ours say who is alive, and nobody is.
            if name.hasSuffix("-lock") || name.hasSuffix("/LOCK") { continue }
            writeWhole(folder + name, image[path] ?? [])
        }
    }

    private func open() throws -> LocalStore {
        try LocalStore.open(folder: folder + "/node", options: Trial.options, digest: testDigest)
    }

    /// What is there must be what was acknowledged, or with the one step that was under way.
    private func compare(_ step: Int) throws -> String? {
        let store = try open()
        let wanted = [max(step, 0), step + 1].filter { $0 < workload.states.count }
        var difference = "no step to compare with"
        for candidate in wanted {
            let found = try Observation(
                store,
                requestsThrough: workload.requestsThrough(candidate)
            )
            if found == workload.states[candidate] { return try unsoundness(store) }
            if difference == "no step to compare with" || candidate == step {
                difference = found.difference(from: workload.states[candidate])
            }
        }
        return "it holds another state: \(difference)"
    }

    /// Whether the records do not add up to their digest, or one is damaged.
    private func unsoundness(_ store: LocalStore) throws -> String? {
        var scrub = StateScrub()
        while true {
            let slice = try store.scrubState(&scrub, bytesMax: 1 << 20)
            if let finding = slice.findings.first { return "scrubbed: \(finding)" }
            if slice.isFinished { return nil }
        }
    }

    /// A snapshot that was finished is there and whole; one that was not may be anything else.
    private func missingExport(_ step: Int) throws -> String? {
        for (exported, name) in workload.exports where exported <= step {
            _ = try LocalStore.verifySnapshot(at: folder + "/" + name, digest: testDigest)
        }
        return nil
    }

    /// The next turns of a node that came back: a vote, an entry, an apply.
    private func goOn() throws -> String? {
        let before: StoredState
        do {
            let store = try open()
            before = try store.load()
            let term = before.ballot.term + 1
            try store.saveVote(term: term, vote: 3)
            try store.write { (t) throws(StoreError) in
                if before.cluster == nil { try t.setCluster(Trial.cluster) }
                try t.setHardState(term: term, vote: 3, commit: t.point.commitIndex)
                let index = t.point.last.index + 1
                let body = [UInt8](repeating: 9, count: 5_000)
                try t.appendEntries([StoredEntry(index: index, term: term, kind: 1, body: body)])
            }
            try store.preallocateIfNeeded()
        }
        let after = try open().load()
        guard after.ballot == Ballot(term: before.ballot.term + 1, vote: 3) else {
            return "a vote after it was opened is lost"
        }
        guard after.entries.dropLast() == before.entries[...],
            after.entries.last?.body.count == 5_000
        else { return "an entry appended after it was opened is lost" }
        return nil
    }
}

func makeFolder(_ path: String) -> Bool { unsafe mkdir(path, 0o700) == 0 }
