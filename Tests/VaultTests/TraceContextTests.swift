import Testing

@testable import API

@Suite("traceparent")
struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "b7ad6b7169203331"

    static let readable: [(String, UInt8)] = [
        ("00-\(trace)-\(parent)-01", 1),
        ("00-\(trace)-\(parent)-00", 0),
        ("00-\(trace)-\(parent)-ff", 0xFF),
        ("01-\(trace)-\(parent)-01", 1),
        ("cc-\(trace)-\(parent)-01-what-comes-later", 1),
    ]

    @Test("what is read", arguments: readable)
    func read(_ header: String, _ flags: UInt8) throws {
        let context = try #require(TraceContext(header: header))
        #expect(context.traceID.first == 0x0A && context.traceID.count == 16)
        #expect(context.parentID.last == 0x31 && context.parentID.count == 8)
        #expect(context.flags == flags)
        #expect(context.header == "00-\(Self.trace)-\(Self.parent)-0\(flags & 1)")
    }

    static let malformedOnes: [String?] = [
        nil, "", "00", "ff-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-01-more",
        "01-\(trace)-\(parent)-01.more", "00-\(trace.uppercased())-\(parent)-01",
        "00-\(String(repeating: "0", count: 32))-\(parent)-01",
        "00-\(trace)-\(String(repeating: "0", count: 16))-01", "00-\(trace)-\(parent)-0",
        "00_\(trace)-\(parent)-01", "0x-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-0g",
        "00-\(trace)-\(parent) -1",
    ]

    @Test("what is not well-formed starts a new trace", arguments: malformedOnes)
    func malformed(_ header: String?) {
        #expect(TraceContext(header: header) == nil)
    }

    @Test("a node's part names itself by the request, in the caller's trace or in a new one")
    func own() throws {
        let id = [UInt8](1...16)
        let caller = try #require(TraceContext(header: "00-\(Self.trace)-\(Self.parent)-01"))
        let inside = TraceContext(of: caller, requestID: id)
        #expect(inside.header == "00-\(Self.trace)-0102030405060708-01")
        let new = TraceContext(of: nil, requestID: id)
        #expect(new.header == "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-00")
        let zero = TraceContext(of: nil, requestID: [UInt8](repeating: 0, count: 16))
        #expect(TraceContext(header: zero.header) == zero, "never all zero")
    }
}
