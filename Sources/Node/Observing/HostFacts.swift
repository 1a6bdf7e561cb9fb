import Transport
import Wire

/// `sys/host-info`: what this node runs on, from the files in which Linux tells it.
///
/// - Source: proc(5), os-release(5). Member names are OpenBao's.
enum HostFacts {
    /// - Parameter dataFolder: the disk that it is on is told besides `/`.
    static func collect(dataFolder: String, now: Timestamp) -> JSONObject {
        [
            "cpu": .array(processors(Machine.text("/proc/cpuinfo") ?? "")),
            "cpu_times": .array(times(Machine.text("/proc/stat") ?? "")),
            "disk": .array(disks(dataFolder)),
            "host": .object(host(now)),
            "memory": .object(memory(Machine.text("/proc/meminfo") ?? "")),
            "timestamp": .string(now.rfc3339),
        ]
    }

    // MARK: processors

    /// One object for each block of `/proc/cpuinfo`.
    static func processors(_ text: String) -> [JSONValue] {
        blocks(text).compactMap { block in
            guard let number = block["processor"].flatMap({ Int($0) }) else { return nil }
            let kilobytes = block["cache size"].map { $0.prefix { $0 != " " } }.flatMap { Int($0) }
            let flags = (block["flags"] ?? block["Features"] ?? "").split(separator: " ")
            return [
                "cacheSize": .number(JSONNumber(kilobytes ?? 0)),
                "coreId": .string(block["core id"] ?? ""),
                "cores": 1,
                "cpu": .number(JSONNumber(number)),
                "family": .string(block["cpu family"] ?? ""),
                "flags": .array(flags.map { .string(String($0)) }),
                "mhz": .number(JSONNumber(text: block["cpu MHz"] ?? "") ?? JSONNumber(0)),
                "microcode": .string(block["microcode"] ?? ""),
                "model": .string(block["model"] ?? ""),
                "modelName": .string(block["model name"] ?? ""),
                "physicalId": .string(block["physical id"] ?? ""),
                "stepping": .number(JSONNumber(block["stepping"].flatMap { Int($0) } ?? 0)),
                "vendorId": .string(block["vendor_id"] ?? ""),
            ]
        }
    }

    /// Blocks of `name : value` lines with empty lines between them.
    private static func blocks(_ text: String) -> [[String: String]] {
        var blocks: [[String: String]] = [[:]]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard let (name, value) = pair(line, ":") else {
                if !blocks[blocks.count - 1].isEmpty { blocks.append([:]) }
                continue
            }
            blocks[blocks.count - 1][name] = value
        }
        return blocks
    }

    private static func pair(
        _ line: Substring,
        _ separator: Character
    ) -> (name: String, value: String)? {
        guard let mark = line.firstIndex(of: separator) else { return nil }
        return (trimmed(line[..<mark]), trimmed(line[line.index(after: mark)...]))
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace ?? false { text.removeFirst() }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }

    /// Seconds that each processor spent, from `/proc/stat`, which counts hundredths.
    static func times(_ text: String) -> [JSONValue] {
        let names = [
            "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest",
            "guestNice",
        ]
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let first = words.first, first.hasPrefix("cpu"), first != "cpu" else {
                return nil
            }
            var members = JSONObject([("cpu", .string(String(first)))])
            for (name, word) in zip(names, words.dropFirst()) {
                members[name] = .number(hundredths(UInt64(word) ?? 0))
            }
            return .object(members)
        }
    }

    private static func hundredths(_ count: UInt64) -> JSONNumber {
        let rest = count % 100
        return JSONNumber(text: "\(count / 100).\(rest < 10 ? "0" : "")\(rest)") ?? JSONNumber(0)
    }

    // MARK: memory

    /// Bytes by OpenBao's names, from `/proc/meminfo`, which counts KiB.
    static func memory(_ text: String) -> JSONObject {
        var bytes: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            guard let (name, value) = pair(line, ":"),
                let kilobytes = UInt64(value.prefix { $0.isNumber })
            else { continue }
            bytes[name] = kilobytes &* 1_024
        }
        var members = JSONObject()
        for (name, source) in memoryNames { members[name] = number(bytes[source] ?? 0) }
        let (total, available) = (bytes["MemTotal"] ?? 0, bytes["MemAvailable"] ?? 0)
        let used = total > available ? total - available : 0
        members["used"] = number(used)
        members["usedPercent"] = percent(used, total)
        return members
    }

    private static let memoryNames = [
        ("active", "Active"), ("available", "MemAvailable"), ("buffers", "Buffers"),
        ("cached", "Cached"), ("commitlimit", "CommitLimit"), ("committedas", "Committed_AS"),
        ("dirty", "Dirty"), ("free", "MemFree"), ("inactive", "Inactive"), ("mapped", "Mapped"),
        ("pagetables", "PageTables"), ("shared", "Shmem"), ("slab", "Slab"),
        ("sreclaimable", "SReclaimable"), ("sunreclaim", "SUnreclaim"),
        ("swapcached", "SwapCached"), ("swapfree", "SwapFree"), ("swaptotal", "SwapTotal"),
        ("total", "MemTotal"), ("writeback", "Writeback"),
    ]

    private static func number(_ value: UInt64) -> JSONValue { .number(JSONNumber(value)) }

    /// With one digit behind the point.
    private static func percent(_ part: UInt64, _ whole: UInt64) -> JSONValue {
        guard whole > 0 else { return 0 }
        let thousandths = UInt64((Double(part) / Double(whole) * 1_000).rounded())
        return .number(JSONNumber(text: "\(thousandths / 10).\(thousandths % 10)") ?? JSONNumber(0))
    }

    // MARK: disks

    private static func disks(_ dataFolder: String) -> [JSONValue] {
        let mounts = Machine.text("/proc/self/mounts") ?? ""
        return ["/", dataFolder].compactMap { path in
            guard let room = Machine.room(path) else { return nil }
            let used = room.total > room.free ? room.total - room.free : 0
            let inodes = room.inodes > room.inodesFree ? room.inodes - room.inodesFree : 0
            return [
                "free": number(room.available),
                "fstype": .string(fileSystem(of: path, mounts)),
                "inodesFree": number(room.inodesFree),
                "inodesTotal": number(room.inodes),
                "inodesUsed": number(inodes),
                "inodesUsedPercent": percent(inodes, room.inodes),
                "path": .string(path),
                "total": number(room.total),
                "used": number(used),
                "usedPercent": percent(used, used &+ room.available),
            ]
        }
    }

    /// The kind of file system of the longest mount that a path is below.
    static func fileSystem(of path: String, _ mounts: String) -> String {
        var best = (length: 0, kind: "")
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2 else { continue }
            let place = words[1] == "/" ? "/" : words[1] + "/"
            guard (path + "/").utf8.starts(with: place.utf8), place.utf8.count >= best.length
            else { continue }
            best = (place.utf8.count, String(words[2]))
        }
        return best.kind
    }

    // MARK: host

    private static func host(_ now: Timestamp) -> JSONObject {
        let release = named(Machine.text("/etc/os-release") ?? "")
        let uptime = Machine.text("/proc/uptime").map { $0.prefix { $0.isNumber } }
        let seconds = uptime.flatMap { UInt64($0) } ?? 0
        let clock = now.nanoseconds / 1_000_000_000
        return [
            "bootTime": number(clock > seconds ? clock - seconds : 0),
            "hostid": .string(line("/proc/sys/kernel/random/boot_id")),
            "hostname": .string(line("/proc/sys/kernel/hostname")),
            "kernelArch": .string(Machine.architecture),
            "kernelVersion": .string(line("/proc/sys/kernel/osrelease")),
            "os": "linux",
            "platform": .string(release["ID"] ?? ""),
            "platformFamily": .string(release["ID_LIKE"] ?? release["ID"] ?? ""),
            "platformVersion": .string(release["VERSION_ID"] ?? ""),
            "procs": number(processes()),
            "uptime": number(seconds),
        ]
    }

    private static func line(_ path: String) -> String {
        trimmed(Machine.text(path, limit: 4_096)?.prefix { $0 != "\n" } ?? "")
    }

    /// `NAME=value` lines, without the quotes around values.
    static func named(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let (name, value) = pair(line, "=") else { continue }
            values[name] = value.filter { $0 != "\"" }
        }
        return values
    }

    /// Tasks of all processes: the number behind the slash in `/proc/loadavg`.
    private static func processes() -> UInt64 {
        let words = line("/proc/loadavg").split(separator: " ")
        guard words.count > 3, let mark = words[3].firstIndex(of: "/") else { return 0 }
        return UInt64(words[3][words[3].index(after: mark)...]) ?? 0
    }
}
