/// Which promises of the disk are broken on purpose, to prove that the checks can fail.
package struct Lie: OptionSet, Sendable {
    /// The bits.
    package let rawValue: Int

    /// From bits.
    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// `fdatasync` of the database returns and has done nothing.
    package static let databaseSync = Lie(rawValue: 1)
    /// A write through an `O_DSYNC` descriptor is no more durable than another.
    package static let headerWrite = Lie(rawValue: 2)
    /// `fdatasync` of the vote file returns and has done nothing.
    package static let voteSync = Lie(rawValue: 4)
    /// `fsync` of a folder returns and has done nothing.
    package static let folderSync = Lie(rawValue: 8)
    /// What LMDB does with `MDB_NOSYNC`.
    package static let noSync: Lie = [.databaseSync, .headerWrite]
}

/// What may be on a disk at one moment of a recording: what is certain, and what is not yet.
///
/// The assumptions are those of `Store.docc`: a sector of 512 bytes is written whole or not at all;
/// after a sync everything written to that file before is there; before it any sector of any
/// write may be there or not, in any order; a rename is there whole or not, whatever became of the
/// content; only a sync of the folder makes it certain.
struct Disk {
    static let sectorBytes = 512

    enum Change {
        case write(offset: Int, data: ArraySlice<UInt8>)
        case truncate(size: Int)
        case extend(size: Int)
    }

    enum NameChange {
        case link(path: String, file: Int)
        case rename(from: String, to: String, file: Int)
        case unlink(path: String)
    }

    struct File {
        var certain: [UInt8] = []
        var pending: [Change] = []
    }

    let lie: Lie
    private(set) var files: [Int: File] = [:]
    private(set) var certainNames: [String: Int] = [:]
    private(set) var pendingNames: [NameChange] = []
    /// What the process itself sees, for renames.
    private var visibleNames: [String: Int] = [:]
    /// Rises whenever something becomes certain.
    private(set) var epoch = 0

    init(lie: Lie) {
        self.lie = lie
    }

    /// Whether nothing is uncertain.
    var isQuiet: Bool {
        pendingNames.isEmpty && files.values.allSatisfy { $0.pending.isEmpty }
    }

    /// The event has begun: its effect may be there.
    mutating func begin(_ event: TraceEvent) {
        switch event.action {
        case .create(let file, let path):
            files[file] = File()
            visibleNames[path] = file
            pendingNames.append(.link(path: path, file: file))
        case .write(let file, let offset, let data, _):
            files[file, default: File()].pending.append(.write(offset: offset, data: data))
        case .truncate(let file, let size):
            files[file, default: File()].pending.append(.truncate(size: size))
        case .extend(let file, let size):
            files[file, default: File()].pending.append(.extend(size: size))
        case .rename(let from, let to):
            guard let file = visibleNames.removeValue(forKey: from) else {
                preconditionFailure("\(from) was renamed and never made")
            }
            visibleNames[to] = file
            pendingNames.append(.rename(from: from, to: to, file: file))
        case .unlink(let path):
            visibleNames[path] = nil
            pendingNames.append(.unlink(path: path))
        case .syncMap: preconditionFailure("the database was written through its map")
        case .sync, .syncFolder, .mark, .injected: break
        }
    }

    /// The event has ended: what it promises is certain.
    mutating func end(_ event: TraceEvent) {
        switch event.action {
        case .sync(let file):
            let path = visibleNames.first { $0.value == file }?.key ?? ""
            let broken: Lie = path.hasSuffix("/vote") ? .voteSync : .databaseSync
            if lie.contains(broken) { return }
            settle(file)
        case .write(let file, let offset, let data, let isDurable):
            guard isDurable, !lie.contains(.headerWrite) else { return }
            settleRange(file, offset, data)
        case .syncFolder(let path):
            if !lie.contains(.folderSync) { settleNames(in: path) }
        default: break
        }
    }

    private mutating func settle(_ number: Int) {
        guard var file = files.removeValue(forKey: number), !file.pending.isEmpty else {
            return
        }
        for change in file.pending { Self.apply(change, to: &file.certain) }
        file.pending = []
        files[number] = file
        epoch += 1
    }

    /// Only this write is certain; earlier ones of the file to other places are not. Earlier ones
    /// to the same sectors are in the page that was written.
    private mutating func settleRange(_ number: Int, _ offset: Int, _ data: ArraySlice<UInt8>) {
        guard var file = files.removeValue(forKey: number) else { return }
        let sectors = Disk.sectors(offset, data.count)
        let settled =
            sectors.lowerBound * Self.sectorBytes..<sectors.upperBound * Self.sectorBytes
        var kept: [Change] = []
        for change in file.pending {
            guard case .write(let start, let bytes) = change else {
                kept.append(change)
                continue
            }
            for sector in Self.sectors(start, bytes.count) where sectors.contains(sector) {
                Self.apply(bytes, at: start, only: sector, to: &file.certain)
            }
            let before = bytes.prefix(max(0, settled.lowerBound - start))
            let after = bytes.suffix(max(0, start + bytes.count - settled.upperBound))
            if !before.isEmpty { kept.append(.write(offset: start, data: before)) }
            if !after.isEmpty {
                kept.append(.write(offset: start + bytes.count - after.count, data: after))
            }
        }
        file.pending = kept
        files[number] = file
        epoch += 1
    }

    private mutating func settleNames(in folder: String) {
        let own = pendingNames.filter { Self.isIn(folder, $0) }
        if own.isEmpty { return }
        pendingNames.removeAll { Self.isIn(folder, $0) }
        for change in own { Self.apply(change, to: &certainNames) }
        epoch += 1
    }

    private static func isIn(_ folder: String, _ change: NameChange) -> Bool {
        let path =
            switch change {
            case .link(let path, _), .unlink(let path), .rename(_, let path, _): path
            }
        guard path.hasPrefix(folder + "/") else { return false }
        return !path.dropFirst(folder.count + 1).contains("/")
    }

    // MARK: applying

    static func apply(_ change: NameChange, to names: inout [String: Int]) {
        switch change {
        case .link(let path, let file): names[path] = file
        case .unlink(let path): names[path] = nil
        case .rename(let from, let to, let file):
            names[from] = nil
            names[to] = file
        }
    }

    static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .truncate(let size):
            if bytes.count > size { bytes.removeLast(bytes.count - size) }
            grow(&bytes, to: size)
        case .extend(let size): grow(&bytes, to: size)
        case .write(let offset, let data):
            grow(&bytes, to: offset + data.count)
            bytes.replaceSubrange(offset..<offset + data.count, with: data)
        }
    }

    /// The part of a write that lies in one sector.
    static func apply(
        _ data: ArraySlice<UInt8>,
        at offset: Int,
        only sector: Int,
        to bytes: inout [UInt8]
    ) {
        let start = max(offset, sector * sectorBytes)
        let end = min(offset + data.count, (sector + 1) * sectorBytes)
        guard start < end else { return }
        grow(&bytes, to: end)
        let first = data.startIndex + start - offset
        bytes.replaceSubrange(start..<end, with: data[first..<first + end - start])
    }

    static func sectors(_ offset: Int, _ count: Int) -> Range<Int> {
        offset / sectorBytes..<(offset + count + sectorBytes - 1) / sectorBytes
    }

    private static func grow(_ bytes: inout [UInt8], to size: Int) {
        if bytes.count < size {
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        }
    }
}
