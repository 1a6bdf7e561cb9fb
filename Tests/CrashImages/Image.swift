import Glibc
import TestSupport

/// Which of the uncertain changes of one moment are on the disk.
struct Choice {
    enum Part {
        case none, whole
        /// Each sector of a write by a number of its own; other changes as the first bit says.
        case torn(seed: UInt64)
        /// A write that stopped inside a sector and left other bytes there: more than the disk is
        /// assumed to do wrong. Of the vote file only.
        case shattered(seed: UInt64)
    }

    /// One for each uncertain change, in the order of ``Moment/changes``.
    var parts: [Part]
    /// One for each uncertain name.
    var names: [Bool]
}

/// A moment's uncertain changes, numbered.
struct Moment {
    let disk: Disk
    let changes: [(file: Int, position: Int)]

    init(_ disk: Disk) {
        self.disk = disk
        var changes: [(file: Int, position: Int)] = []
        for number in disk.files.keys.sorted() {
            for position in 0..<(disk.files[number]?.pending.count ?? 0) {
                changes.append((number, position))
            }
        }
        self.changes = changes
    }

    /// The image that a choice leaves: path → content.
    func image(_ choice: Choice) -> [String: [UInt8]] {
        var names = disk.certainNames
        for (change, isThere) in zip(disk.pendingNames, choice.names) where isThere {
            Disk.apply(change, to: &names)
        }
        let present = Set(names.values)
        var contents: [Int: [UInt8]] = [:]
        for number in present {
            contents[number] = content(number, choice)
        }
        return names.compactMapValues { contents[$0] }
    }

    private func content(_ number: Int, _ choice: Choice) -> [UInt8] {
        guard let file = disk.files[number] else { return [] }
        var bytes = file.certain
        let last = lastVersions(number, file, choice)
        for (index, place) in changes.enumerated() where place.file == number {
            switch (file.pending[place.position], choice.parts[index]) {
            case (.write(let offset, let data), let part):
                for sector in Disk.sectors(offset, data.count)
                where (last[sector] ?? -1) >= place.position {
                    Disk.apply(data, at: offset, only: sector, to: &bytes)
                }
                if case .shattered(let seed) = part {
                    Self.shatter(&bytes, offset, data.count, seed)
                }
            case (let change, .whole): Disk.apply(change, to: &bytes)
            case (let change, .torn(let seed)):
                if seed & 1 == 1 { Disk.apply(change, to: &bytes) }
            case (_, .none), (_, .shattered): break
            }
        }
        return bytes
    }

    /// For each sector the newest write that reached it. A page in memory holds all writes before
    /// it too, so those are in that sector.
    private func lastVersions(
        _ number: Int,
        _ file: Disk.File,
        _ choice: Choice
    ) -> [Int: Int] {
        var last: [Int: Int] = [:]
        for (index, place) in changes.enumerated() where place.file == number {
            guard case .write(let offset, let data) = file.pending[place.position] else {
                continue
            }
            for sector in Disk.sectors(offset, data.count) {
                switch choice.parts[index] {
                case .none: break
                case .whole, .shattered: last[sector] = place.position
                case .torn(let seed):
                    var random = Seeded(seed &+ UInt64(sector))
                    if random.next() & 1 == 1 { last[sector] = place.position }
                }
            }
        }
        return last
    }

    private static func shatter(
        _ bytes: inout [UInt8],
        _ offset: Int,
        _ count: Int,
        _ seed: UInt64
    ) {
        var random = Seeded(seed)
        let start = offset + Int.random(in: 0..<max(1, count), using: &random)
        for place in start..<max(start, offset + count) {
            bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        }
    }
}

/// Writes a file whole; what is zero stays a hole.
func writeWhole(_ path: String, _ bytes: [UInt8]) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    precondition(file >= 0, "cannot make \(path)")
    defer { _ = close(file) }
    precondition(ftruncate(file, off_t(bytes.count)) == 0, "cannot size \(path)")
    unsafe bytes.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        var start = 0
        while start < buffer.count {
            let count = min(1 << 16, buffer.count - start)
            let part = unsafe base + start
            let isZero =
                unsafe part.loadUnaligned(as: UInt8.self) == 0
                && (count < 2 || memcmp(part, part + 1, count - 1) == 0)
            if !isZero {
                let done = unsafe pwrite(file, part, count, off_t(start))
                precondition(done == count, "cannot write \(path)")
            }
            start += count
        }
    }
}
