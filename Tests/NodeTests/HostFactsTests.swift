import Testing
import Wire

@testable import Node

/// Reading what Linux says about the machine.
@Suite("host facts")
struct HostFactsTests {
    @Test("processors, one for each block")
    func processors() throws {
        let text = """
            processor\t: 0
            vendor_id\t: AuthenticAMD
            cpu family\t: 26
            model\t\t: 2
            model name\t: AMD EPYC
            stepping\t: 1
            cpu MHz\t\t: 2596.100
            cache size\t: 1024 KB
            core id\t\t: 0
            flags\t\t: fpu vme

            processor\t: 1
            model name\t: AMD EPYC

            """
        let found = HostFacts.processors(text)
        #expect(found.count == 2)
        let first = try #require(found.first?.asObject)
        #expect(first["cacheSize"] == 1_024)
        #expect(first["modelName"] == "AMD EPYC")
        #expect(first["flags"] == ["fpu", "vme"])
        #expect(first["family"] == "26")
        #expect(HostFacts.processors("nonsense\n\n:\n").isEmpty)
    }

    @Test("times are in seconds")
    func times() throws {
        let text =
            "cpu  1 2 3 4\ncpu0 4814318 197042 586460 1964014 40007 0 27304 3691 0 0\nintr 5\n"
        let found = HostFacts.times(text)
        #expect(found.count == 1)
        let first = try #require(found.first?.asObject)
        #expect(first["cpu"] == "cpu0")
        guard case .number(let user) = first["user"], case .number(let steal) = first["steal"]
        else {
            Issue.record("no numbers")
            return
        }
        #expect(user.text == "48143.18" && steal.text == "36.91")
    }

    @Test("memory is in bytes")
    func memory() {
        let found = HostFacts.memory("MemTotal: 1000 kB\nMemAvailable: 750 kB\nOdd\nBad: x kB\n")
        #expect(found["total"] == 1_024_000)
        #expect(found["used"] == 256_000)
        guard case .number(let percent) = found["usedPercent"] else {
            Issue.record("no percentage")
            return
        }
        #expect(percent.text == "25.0")
        #expect(HostFacts.memory("")["usedPercent"] == 0)
    }

    @Test("the file system is that of the longest mount above a path")
    func fileSystems() {
        let mounts = "dev / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\ndisk /run/data xfs rw 0 0\n"
        #expect(HostFacts.fileSystem(of: "/", mounts) == "ext4")
        #expect(HostFacts.fileSystem(of: "/run/data/a", mounts) == "xfs")
        #expect(HostFacts.fileSystem(of: "/run/database", mounts) == "tmpfs")
        #expect(HostFacts.fileSystem(of: "/x", "") == "")
    }

    @Test("this machine says something about itself")
    func here() {
        let facts = HostFacts.collect(dataFolder: "/", now: Timestamp(nanoseconds: 1))
        #expect((facts["cpu"]?.asArray?.count ?? 0) > 0)
        #expect((facts["memory"]?.asObject?["total"]?.asInt ?? 0) > 0)
        #expect((facts["disk"]?.asArray?.count ?? 0) > 0)
        #expect(facts["host"]?.asObject?["os"] == "linux")
    }
}
