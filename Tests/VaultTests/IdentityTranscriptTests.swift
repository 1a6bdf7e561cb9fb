import Testing
import Wire

@testable import Vault

/// Transcripts in which later requests name what earlier ones made: `=> e` keeps the id of an
/// answer, and `$e` stands for it from then on.
@Suite("transcripts of identity")
struct IdentityTranscriptTests {
    static let all: [(name: String, text: String)] = [
        ("golden", Transcripts.goldenIdentity),
        ("entities", Transcripts.entities),
        ("aliases", Transcripts.entityAliases),
        ("groups", Transcripts.groups),
        ("aliases of groups", Transcripts.groupAliases),
        ("lookups", Transcripts.identityLookups),
        ("merging", Transcripts.merging),
    ]

    @Test("answers as the real server did", arguments: all.map(\.name))
    func plays(_ name: String) throws {
        let text = try #require(Self.all.first { $0.name == name }?.text)
        let vault = try TestVault()
        var ids: [(name: String, value: String)] = []
        for mount in ["one", "two"] {
            try vault.send("POST", "sys/mounts/\(mount)", #"{"type":"kv"}"#)
            let accessor = try vault.send("GET", "sys/mounts/\(mount)").data("accessor")
            ids.append((mount, try #require(accessor?.asString)))
        }
        let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
        for position in stride(from: 0, to: lines.count, by: 2) {
            let parts = lines[position].components(separatedBy: "   => ")
            let exchange = replacing(parts[0] + "\n" + lines[position + 1], ids)
            let answers = try Transcript(exchange).play(on: vault)
            guard parts.count > 1 else { continue }
            let id = try #require(try answers[0].data("id")?.asString, "\(lines[position])")
            ids.removeAll { $0.name == parts[1] }
            ids.append((parts[1], id))
        }
    }

    /// The longest name first, so that `$ab` is not `$a` and a `b`.
    private func replacing(_ text: String, _ ids: [(name: String, value: String)]) -> String {
        ids.sorted { $0.name.count > $1.name.count }.reduce(text) { text, id in
            text.components(separatedBy: "$" + id.name).joined(separator: id.value)
        }
    }
}

extension String {
    /// The parts between separators.
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        var rest = Array(utf8)[...]
        let mark = Array(separator.utf8)
        while !rest.isEmpty {
            if rest.starts(with: mark) {
                parts.append(String(decoding: part, as: UTF8.self))
                part = []
                rest = rest.dropFirst(mark.count)
            } else {
                part.append(rest.removeFirst())
            }
        }
        return parts + [String(decoding: part, as: UTF8.self)]
    }
}
