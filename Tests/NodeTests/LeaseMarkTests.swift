import Raft
import TestSupport
import Testing

@testable import Node

@Suite("lease mark")
struct LeaseMarkTests {
    @Test("a node that never had leases waits for nothing and leaves no file")
    func never() throws {
        let folder = TemporaryFolder()
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: false) == nil)
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: false) == nil)
    }

    @Test("after leases were turned off, every start waits until one wait has passed")
    func turnedOff() throws {
        let folder = TemporaryFolder()
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: true) == nil)
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: true) == nil)
        let wait = try #require(try LeaseMark.begin(folder: folder.path, hasLeases: false))
        // At least the promise that voters give with the settings of production, by a slow clock.
        #expect(wait >= .milliseconds(400) && wait < .seconds(1))
        // Killed before the wait was over.
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: false) == wait)
        try LeaseMark.waited(folder: folder.path)
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: false) == nil)
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: true) == nil)
        #expect(try LeaseMark.begin(folder: folder.path, hasLeases: false) == wait)
    }
}
