import Testing

/// What a real OpenBao 2.7.2 answered, compared with what we answer. Where we differ on purpose, the
/// expected line is ours and the request says why.
enum Transcripts {}

@Suite("transcripts of OpenBao")
struct TranscriptTests {
    static let all: [(name: String, text: String)] = [
        ("golden key value", Transcripts.goldenKeyValue),
        ("key value 1", Transcripts.keyValue1),
        ("key value 2", Transcripts.keyValue2),
        ("metadata", Transcripts.keyValue2Metadata),
        ("patches", Transcripts.keyValue2Patch),
        ("more of key value", Transcripts.keyValueMore),
        ("one-time passwords", Transcripts.oneTimePasswords),
        ("cubbyhole", Transcripts.cubbyhole),
        ("mounts", Transcripts.mounts),
        ("policies", Transcripts.policies),
        ("options of policies", Transcripts.policyOptions),
        ("capabilities", Transcripts.capabilities),
        ("system", Transcripts.system),
        ("auth mounts", Transcripts.authMounts),
        ("tuning of lockouts", Transcripts.lockoutTuning),
        ("userpass", Transcripts.userpass),
        ("approle", Transcripts.approle),
        ("tools", Transcripts.tools),
        ("passwords", Transcripts.passwords),
        ("what the system knows of itself", Transcripts.selfKnowledge),
        ("other origins", Transcripts.crossOrigin),
        ("catalog", Transcripts.catalog),
        ("rate limits", Transcripts.quotas),
    ]

    @Test("answers as the real server did", arguments: all.map(\.name))
    func plays(_ name: String) throws {
        let text = try #require(Self.all.first { $0.name == name }?.text)
        try Transcript(text).play(on: TestVault())
    }

    @Test("errors and edges, after the key value transcript")
    func edges() throws {
        let vault = try TestVault()
        try Transcript(Transcripts.goldenKeyValue).play(on: vault)
        try Transcript(Transcripts.goldenErrors).play(on: vault)
    }
}
