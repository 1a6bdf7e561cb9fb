import Cryptography
import TestSupport
import Testing
import Wire

@testable import Engines

/// Certificates of another implementation, by their base64.
func certificate(_ text: String) throws -> ClientCertificate {
    try ClientCertificate(try #require(Base64.decode(text)))
}

/// Client certificates: what is read of them, which chains count, and what roles want.
@Suite("client certificates")
struct CertTests {
    private typealias Vectors = CertificateVectors

    private static let now = Timestamp(nanoseconds: UInt64(Vectors.now) * 1_000_000_000)

    @Test("what roles ask about is read as it was written")
    func parts() throws {
        let web = try certificate(Vectors.web)
        #expect(web.commonName == "web.example")
        #expect(web.organizationalUnits == ["eng", "ops"])
        #expect(web.dnsNames == ["web.example"])
        #expect(web.emails == ["web@mail.example"])
        #expect(web.uris == ["spiffe://example/web"])
        #expect(ClientCertificate.decimal(web.serial) == "4660")
        #expect(web.subjectKeyID.count == 20 && web.authorityKeyID.count == 20)
        #expect(!web.isAuthority && web.isForClients)
        #expect(web.extensions.contains { $0.identifier == "1.2.3.4" })
        let ca = try certificate(Vectors.ca)
        #expect(ca.isAuthority && ca.isForClients && ca.subject == ca.issuer)
        #expect(ca.subject == web.issuer && ca.subjectKeyID == web.authorityKeyID)
        #expect(try !certificate(Vectors.forserver).isForClients)
        #expect(try certificate(Vectors.nameless).commonName.isEmpty)
    }

    @Test("numbers of any length in decimal digits")
    func decimals() {
        for (bytes, text) in [
            ([], "0"), ([9], "9"), ([10], "10"), ([255], "255"), ([1, 0], "256"),
            ([0x12, 0x34], "4660"),
            ([4] + [UInt8](repeating: 0, count: 16), "1361129467683753853853498429727072845824"),
        ] as [([UInt8], String)] {
            #expect(ClientCertificate.decimal(bytes) == text)
        }
        #expect(ClientCertificate.colons([0x0A, 0xFF]) == "0a:ff")
    }

    struct ChainCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let presented: [String]
        let anchor: String
        /// Certificates of the chain; 0: there is none; nil: there is one, and it does not count.
        let length: Int?

        init(_ name: String, _ presented: [String], to anchor: String, _ length: Int?) {
            testDescription = name
            self.presented = presented
            self.anchor = anchor
            self.length = length
        }
    }

    static let chains = [
        ChainCase("a client of an authority", [Vectors.web], to: Vectors.ca, 2),
        ChainCase("another authority", [Vectors.web], to: Vectors.other, 0),
        ChainCase("an authority with the same name", [Vectors.web], to: Vectors.twin, 0),
        ChainCase("without what stands between", [Vectors.deep], to: Vectors.ca, 0),
        ChainCase("with what stands between", [Vectors.deep, Vectors.middle], to: Vectors.ca, 3),
        ChainCase("an authority below another", [Vectors.deep], to: Vectors.middle, 2),
        ChainCase(
            "things that have nothing to do with it",
            [Vectors.deep, Vectors.other, Vectors.lone, Vectors.middle, Vectors.web],
            to: Vectors.ca,
            3
        ),
        ChainCase("the certificate itself", [Vectors.lone], to: Vectors.lone, 1),
        ChainCase("the certificate itself, of an authority", [Vectors.web], to: Vectors.web, 1),
        ChainCase("a client that vouches", [Vectors.child, Vectors.web], to: Vectors.ca, 0),
        ChainCase("a client as what is trusted", [Vectors.child], to: Vectors.web, 0),
        ChainCase("one that expired", [Vectors.short], to: Vectors.ca, nil),
        ChainCase("one that expired, itself", [Vectors.short], to: Vectors.short, nil),
        ChainCase("a critical extension", [Vectors.critical], to: Vectors.ca, nil),
        ChainCase("a short key", [Vectors.weak], to: Vectors.ca, nil),
        ChainCase("a weak digest", [Vectors.sha1], to: Vectors.ca, nil),
        ChainCase(
            "a name within its bounds",
            [Vectors.inside, Vectors.narrow],
            to: Vectors.ca,
            3
        ),
        ChainCase("a name out of bounds", [Vectors.outside, Vectors.narrow], to: Vectors.ca, nil),
        ChainCase(
            "more authorities than allowed",
            [Vectors.toodeep, Vectors.lower, Vectors.narrow],
            to: Vectors.ca,
            nil
        ),
    ]

    @Test("only a chain that is whole, good and in force counts", arguments: chains)
    func chain(_ row: ChainCase) throws {
        let presented = try PresentedChain(
            try row.presented.map { try #require(Base64.decode($0)) }
        )
        let anchor = try certificate(row.anchor)
        guard let length = row.length else {
            #expect(throws: CertRefusal.self) { try presented.chain(to: anchor, at: Self.now) }
            return
        }
        let chain = try presented.chain(to: anchor, at: Self.now)
        #expect(chain?.count ?? 0 == length)
        guard let chain else { return }
        #expect(chain.first == presented.leaf && chain.last == anchor)
    }

    @Test("the time of the request decides, not a clock")
    func times() throws {
        let presented = try PresentedChain([try #require(Base64.decode(Vectors.short))])
        let ca = try certificate(Vectors.ca)
        func refusal(_ seconds: Int64) -> String {
            do throws(CertRefusal) {
                let now = Timestamp(nanoseconds: UInt64(seconds) * 1_000_000_000)
                return try presented.chain(to: ca, at: now) == nil ? "none" : "good"
            } catch {
                return error.text
            }
        }
        #expect(refusal(Vectors.now - 4 * 86_400 + 50_000) == "good")
        #expect(refusal(Vectors.now).hasSuffix("expired"))
        #expect(refusal(Vectors.now - 30 * 86_400).hasSuffix("not valid yet"))
    }

    static let rules: [(CertRoleRecord.Rule, [String], Bool)] = [
        (.names, [], true), (.names, ["web.example"], true), (.names, ["*@mail.example"], true),
        (.names, ["other", "web*"], true), (.names, ["other"], false), (.names, [""], false),
        (.names, ["eng"], false), (.names, ["spiffe*"], false),
        (.commonNames, ["web.*"], true), (.commonNames, ["web@mail.example"], false),
        (.commonNames, ["WEB.example"], false),
        (.dnsNames, ["*.example"], true), (.dnsNames, ["*.test"], false),
        (.emails, ["web@*"], true), (.emails, ["web.example"], false),
        (.uris, ["spiffe://example/*"], true), (.uris, ["https://*"], false),
        (.organizationalUnits, ["ops"], true), (.organizationalUnits, ["o*"], true),
        (.organizationalUnits, ["sales"], false),
        (.requiredExtensions, ["1.2.3.4:gold"], true), (.requiredExtensions, ["1.2.3.4:g*"], true),
        (.requiredExtensions, ["1.2.3.4:silver"], false),
        (.requiredExtensions, ["1.2.3.4:gold", "1.2.3.5:7"], false),
        (.requiredExtensions, ["1.2.3.5:"], true), (.requiredExtensions, ["1.2.3.6:*"], false),
        (.metadataExtensions, ["1.2.3.6"], true),
    ]

    @Test("each rule wants what it says", arguments: rules)
    func rule(_ rule: CertRoleRecord.Rule, _ texts: [String], _ isMet: Bool) throws {
        var role = CertRoleRecord()
        role.rules[rule] = texts
        #expect(CertRules(role: role).accept(try certificate(Vectors.web)) == isMet)
    }

    @Test("extensions become metadata where the role says so")
    func metadata() throws {
        var role = CertRoleRecord()
        role.rules[.metadataExtensions] = ["1.2.3.4", "1.2.3.5", "1.2.3.6"]
        let metadata = try CertRules(role: role).metadata(try certificate(Vectors.web))
        #expect(metadata.map(\.name) == ["1-2-3-4", "1-2-3-5"])
        #expect(metadata.map(\.value) == ["gold", ""])
    }

    private func pem(_ text: String, _ label: String = "CERTIFICATE") -> String {
        "-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----\n"
    }

    @Test("roles trust what their PEM holds, in its order")
    func texts() throws {
        let both = try CertRoleRecord.certificates(
            "Subject: x\n" + pem(Vectors.ca) + pem(Vectors.list, "X509 CRL") + pem(Vectors.web)
        )
        #expect(both?.map(\.commonName) == ["root one", "web.example"])
        for text in [
            "", "nonsense", pem(Vectors.list, "X509 CRL"), pem("AAAA"), pem("!"),
            pem(Vectors.ca) + pem("AAAA"), "-----BEGIN CERTIFICATE-----\n\(Vectors.ca)",
            pem(Vectors.ca) + "-----END CERTIFICATE-----",
        ] {
            #expect(try CertRoleRecord.certificates(text) == nil, "\(text.prefix(40))")
        }
        let many = String(repeating: pem(Vectors.ca), count: 17)
        #expect(throws: EngineError.self) { try CertRoleRecord.certificates(many) }
    }

    @Test("records come back as they were, and damage is seen")
    func records() throws {
        var role = CertRoleRecord()
        role.certificate = pem(Vectors.ca)
        role.displayName = "x"
        role.rules = [.names: ["a", "b*"], .uris: [], .metadataExtensions: ["1.2"]]
        #expect(try CertRoleRecord(decoding: role.encoded()) == role)
        var config = CertConfigRecord()
        config.isUnbound = true
        #expect(try CertConfigRecord(decoding: config.encoded()) == config)
        let serials = RevokedSerials([[2, 1], [1], [1, 1]])
        #expect(try RevokedSerials(decoding: serials.encoded()) == serials)
        #expect(serials.serials == [[1], [1, 1], [2, 1]])
        for count in 0..<role.encoded().count {
            let cut = Array(role.encoded().prefix(count))
            #expect(throws: EngineError.self) { try CertRoleRecord(decoding: cut) }
        }
        for count in 0..<serials.encoded().count {
            let cut = Array(serials.encoded().prefix(count))
            #expect(throws: EngineError.self) { try RevokedSerials(decoding: cut) }
        }
        #expect(throws: EngineError.self) { try CertConfigRecord(decoding: [1, 0]) }
    }

    @Test("lists of revoked certificates are read")
    func lists() throws {
        let found = try RevokedSerials.parse(pem(Vectors.list, "X509 CRL"))
        #expect(found.map(ClientCertificate.decimal) == ["300", "4660"])
        #expect(try RevokedSerials.parse(pem(Vectors.emptyList, "X509 CRL")).isEmpty)
        for text in [
            "", "nonsense", pem(Vectors.ca), pem(Vectors.ca, "X509 CRL"), pem("AAAA", "X509 CRL"),
            pem(Vectors.list, "X509 CRL") + pem(Vectors.list, "X509 CRL"),
        ] {
            #expect(throws: WireError.self) { try RevokedSerials.parse(text) }
        }
    }
}

/// Whatever somebody shows or uploads: it is read or refused, and never believed.
@Suite("certificate fuzz")
struct CertFuzzTests {
    private static let mutator = Mutator(
        ["web.example", "2.5.29"],
        raw: [
            [0x30, 0x80], [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x02, 0x00], [0x06, 0x00], [0x1F],
            [0x30, 0x81, 0x01], [0x06, 0x0B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x01, 0x01, 0xFF], [0xA3], [0x55, 0x1D, 0x13], [0x1E, 0x01, 0xD8], [0x0C, 0x01, 0xFF],
        ]
    )

    private static let corpus = [
        CertificateVectors.web, CertificateVectors.ca, CertificateVectors.narrow,
        CertificateVectors.weak, CertificateVectors.list,
    ].compactMap { Base64.decode($0) }

    @Test("damaged certificates and lists are refused, or do not count; nothing traps")
    func damaged() throws {
        var random = Seeded(Fuzzing.seed(usual: 11))
        let ca = try certificate(CertificateVectors.ca)
        let now = Timestamp(nanoseconds: UInt64(CertificateVectors.now) * 1_000_000_000)
        var read = 0
        var run = FuzzRun(usual: 5_000)
        let growth = try run.run { input in
            let sound = Self.corpus[random.below(Self.corpus.count)]
            let bytes = Self.mutator.damaged(sound, &random)
            let text = "-----BEGIN X509 CRL-----\n\(Base64.encode(bytes))\n-----END X509 CRL-----"
            _ = try? RevokedSerials.parse(text)
            guard let parsed = try? ClientCertificate(bytes) else { return }
            read += 1
            _ = ClientCertificate.decimal(parsed.serial)
            // Signatures cost: some of them.
            guard input % 4 == 0, bytes != sound, bytes != ca.bytes else { return }
            let presented = try PresentedChain([bytes])
            let chain = try? presented.chain(to: ca, at: now)
            #expect(chain == nil, "\(Hex.encode(bytes))")
        }
        #expect(read > run.inputs / 50, "\(read) read")
        #expect(growth < FuzzRun.growthBytesMax)
    }

    @Test("every cut of a certificate is refused, and no change of one is signed")
    func cuts() throws {
        let web = try certificate(CertificateVectors.web).bytes
        let ca = try certificate(CertificateVectors.ca)
        let now = Timestamp(nanoseconds: UInt64(CertificateVectors.now) * 1_000_000_000)
        for count in web.indices {
            #expect(throws: WireError.self) { try ClientCertificate(Array(web.prefix(count))) }
        }
        #expect(throws: WireError.self) { try ClientCertificate(web + [0]) }
        for position in stride(from: 0, to: web.count, by: 3) {
            var changed = web
            changed[position] ^= 1
            guard let presented = try? PresentedChain([changed]) else { continue }
            let chain = try? presented.chain(to: ca, at: now)
            #expect(chain == nil, "position \(position)")
        }
    }
}
