import Glibc
import TestSupport
import Testing

@testable import Store

@Suite("spent files")
struct SpentFilesTests {
    private func make(_ path: String, mebibytes: Int) throws {
        let file = try ChunkFile(creating: path)
        try file.write([1], at: UInt64(mebibytes) << 20 - 1)
    }

    /// Names and sizes in MiB.
    private func left(_ folder: TemporaryFolder) throws -> [Int] {
        try TemporaryFolder.names(in: folder.path).map { name in
            Int(try ChunkFile(reading: folder.path + "/" + name).size() >> 20)
        }
    }

    @Test("the name is free at once, the room slice by slice, one file after the other")
    func slices() throws {
        let folder = TemporaryFolder()
        let spent = SpentFiles(in: folder.path)
        let path = folder.path + "/large"
        try make(path, mebibytes: 40)
        try spent.take(path)
        #expect(unsafe access(path, F_OK) != 0)
        // Another one of that name.
        try make(path, mebibytes: 1)
        try spent.take(path)
        #expect(try left(folder).sorted() == [1, 40])
        #expect(spent.freeSlice())
        #expect(try left(folder).sorted() == [1, 24])
        #expect(spent.freeSlice())
        #expect(try left(folder).sorted() == [1, 8])
        #expect(spent.freeSlice())
        #expect(try left(folder) == [1])
        #expect(!spent.freeSlice())
        #expect(try left(folder).isEmpty)
        #expect(!spent.freeSlice())
    }

    @Test("what is not there needs no removal; what cannot be renamed is an error and stays")
    func missing() throws {
        let folder = TemporaryFolder()
        let spent = SpentFiles(in: folder.path)
        try spent.take(folder.path + "/none")
        #expect(!spent.freeSlice())
        let path = folder.path + "/file"
        try make(path, mebibytes: 1)
        #expect(throws: StoreError.self) { try SpentFiles(in: "/dev").take(path) }
        #expect(unsafe access(path, F_OK) == 0)
    }
}
