import Glibc
import NIOCore
import NIOSSL
import TestSupport
import Testing
import Wire

@testable import Transport

extension NetworkTests {
    @Suite("server certificate")
    struct ServerCertificateTests {
        private func client(
            trusting pem: String,
            as host: String?,
            at address: NetworkAddress,
            newest: TLSVersion = .tlsv13
        ) async throws -> RawClient {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.trustRoots = .certificates(
                try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
            )
            settings.maximumTLSVersion = newest
            if host == nil { settings.certificateVerification = .noHostnameVerification }
            let context = try NIOSSLContext(configuration: settings)
            return try await RawClient.connect(to: address) { channel in
                try channel.pipeline.syncOperations.addHandler(
                    NIOSSLClientHandler(context: context, serverHostname: host)
                )
            }
        }

        @Test(
            "a verifying client accepts the self-made one",
            arguments: [TLSVersion.tlsv12, .tlsv13]
        )
        func selfMade(_ version: TLSVersion) async throws {
            let folder = TemporaryFolder()
            let tls = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["localhost", "127.0.0.1", "::1", "localhost"],
                logger: SeenLines().logger
            )
            #expect(folder.mode(of: "api-key.pem") == 0o600)
            #expect(
                try SelfSignedCertificate.names(inPEM: tls.certificatePEM)
                    == ["localhost", "127.0.0.1", "::1"]
            )
            try await withServer(tls: tls, handler: echo) { server in
                let good = try await client(
                    trusting: tls.certificatePEM,
                    as: "localhost",
                    at: server.boundAddress,
                    newest: version
                )
                for number in 0..<3 {
                    try await good.send("GET /\(number) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(try await good.response()?.text == "GET /\(number) 0")
                }
            }
        }

        @Test("a client that trusts another certificate, name or version of TLS gets nothing")
        func stranger() async throws {
            let folder = TemporaryFolder()
            let otherFolder = TemporaryFolder()
            let tls = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["localhost"],
                logger: SeenLines().logger
            )
            let other = try ServerCertificate.loadOrCreate(
                folder: otherFolder.path,
                names: ["localhost"],
                logger: SeenLines().logger
            )
            #expect(tls.leafPin != other.leafPin)
            try await withServer(tls: tls, handler: echo) { server in
                let attempts = [
                    (other.certificatePEM, "localhost", TLSVersion.tlsv13),
                    (tls.certificatePEM, "elsewhere", .tlsv13),
                    (tls.certificatePEM, "localhost", .tlsv11),
                ]
                for (pem, name, version) in attempts {
                    let client = try await client(
                        trusting: pem,
                        as: name,
                        at: server.boundAddress,
                        newest: version
                    )
                    await client.sendAnyway(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
                    try await client.waitForClose()
                    #expect(client.received.isEmpty)
                }
            }
        }

        @Test("an answer to a client that sends too much arrives over TLS as well")
        func refusalOverTLS() async throws {
            let folder = TemporaryFolder()
            let tls = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["localhost"],
                logger: SeenLines().logger
            )
            try await withServer(tls: tls, handler: echo) { server in
                let client = try await client(
                    trusting: tls.certificatePEM,
                    as: "localhost",
                    at: server.boundAddress
                )
                try await client.send(
                    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\n\r\n"
                )
                for _ in 0..<32 {
                    await client.sendAnyway([UInt8](repeating: 0x61, count: 64 << 10))
                }
                #expect(try await client.response()?.status == 413)
                await client.close()
            }
        }

        @Test("the next start finds the same one, and says which names it lacks")
        func reuse() throws {
            let folder = TemporaryFolder()
            let seen = SeenLines()
            let first = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["a.example"],
                logger: seen.logger
            )
            let second = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["a.example"],
                logger: seen.logger
            )
            #expect(first.certificatePEM == second.certificatePEM)
            #expect(seen.all.isEmpty)
            let third = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["a.example", "b.example", "10.0.0.1"],
                logger: seen.logger
            )
            #expect(first.leafPin == third.leafPin)
            #expect(seen.contains("warning", "b.example, 10.0.0.1", "delete it and restart"))
        }

        private func make(_ folder: TemporaryFolder, _ seen: SeenLines) throws -> TLSMaterial {
            try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["localhost"],
                logger: seen.logger
            )
        }

        private func bytes(_ path: String) throws -> [UInt8] {
            try #require(try PrivateFile.read(path, isSecret: false))
        }

        /// What a disk does to a file, or a person.
        enum Damage: CaseIterable {
            case zeroedKey, zeroedCertificate, emptyKey, emptyCertificate, noKey, otherKey, bit

            fileprivate func happen(_ certificate: String, _ key: String) throws {
                let file = self == .zeroedKey || self == .emptyKey ? key : certificate
                let mode: mode_t = file == key ? 0o600 : 0o644
                let old = try PrivateFile.read(file, isSecret: false) ?? []
                switch self {
                case .zeroedKey, .zeroedCertificate:
                    let zeros = [UInt8](repeating: 0, count: old.count)
                    try PrivateFile.write(zeros, to: file, mode: mode)
                case .emptyKey, .emptyCertificate:
                    try PrivateFile.write([], to: file, mode: mode)
                case .noKey: unsafe unlink(key)
                case .otherKey:
                    let other = TemporaryFolder()
                    _ = try ServerCertificate.loadOrCreate(
                        folder: other.path,
                        names: ["x"],
                        logger: SeenLines().logger
                    )
                    try PrivateFile.write(
                        try PrivateFile.read(other.file("api-key.pem"), isSecret: true) ?? [],
                        to: key,
                        mode: 0o600
                    )
                case .bit:
                    // In the signature, so that it can be read as before: the last whole line of
                    // base64 is within it.
                    var lines = old.split(separator: 0x0A).map(Array.init)
                    let at = lines.count - 3
                    lines[at][60] = lines[at][60] == 0x41 ? 0x42 : 0x41
                    let new = Array(lines.joined(separator: [0x0A])) + [0x0A]
                    try PrivateFile.write(new, to: file, mode: mode)
                }
            }
        }

        @Test(
            "damaged ones are kept under other names, and new ones made",
            arguments: Damage.allCases
        )
        func damaged(_ damage: Damage) async throws {
            let folder = TemporaryFolder()
            let seen = SeenLines()
            let first = try make(folder, seen)
            let certificate = folder.file(ServerCertificate.certificateName)
            let key = folder.file(ServerCertificate.keyName)
            // Twice, so that the first ones that were put aside stay, too.
            for number in 1...2 {
                try damage.happen(certificate, key)
                let left = try [certificate, key].map { path in
                    try PrivateFile.read(path, isSecret: false)
                }
                let second = try make(folder, seen)
                #expect(second.leafPin != first.leafPin)
                #expect(try bytes("\(certificate).damaged-\(number)") == left[0])
                if damage != .noKey {
                    #expect(try bytes("\(key).damaged-\(number)") == left[1])
                    #expect(folder.mode(of: "api-key.pem.damaged-\(number)") == 0o600)
                }
                #expect(seen.all.count == number)
                #expect(
                    seen.contains(
                        "error",
                        "\(certificate).damaged-\(number)",
                        "until they are given the new \(certificate)"
                    )
                )
                // The next start takes them as they are, and a client can use them.
                #expect(try make(folder, seen).leafPin == second.leafPin)
                #expect(seen.all.count == number)
                #expect(folder.mode(of: "api-key.pem") == 0o600)
                try await withServer(tls: second, handler: echo) { server in
                    let client = try await client(
                        trusting: second.certificatePEM,
                        as: "localhost",
                        at: server.boundAddress
                    )
                    try await client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(try await client.response()?.status == 200)
                    await client.close()
                }
            }
        }

        @Test("each changed bit of a certificate is noticed, or nothing to a client")
        func eachBit() throws {
            let folder = TemporaryFolder()
            let pem = try make(folder, SeenLines()).certificatePEM
            let good = try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem)
            #expect(SelfSignedCertificate.maker(ofPEM: Array(pem.utf8)) == .program)
            var noticed = 0
            for position in pem.utf8.indices {
                var bytes = Array(pem.utf8)
                bytes[pem.utf8.distance(from: pem.startIndex, to: position)] ^= 1
                let read = try? NIOSSLCertificate(bytes: bytes, format: .pem)
                let maker = SelfSignedCertificate.maker(ofPEM: bytes)
                let isTaken = read != nil && (maker == .program || maker == .other)
                if isTaken { #expect(read == good) } else { noticed += 1 }
            }
            #expect(noticed > 500)
        }

        /// Files that somebody put in the place of self-made ones, or may have.
        enum Foreign: CaseIterable {
            case chain, foreignIssuer, foreignSubject, strangerWithoutKey, otherKind, bothZeroed

            fileprivate func happen(_ certificate: String, _ key: String) throws {
                let pem = try PrivateFile.read(certificate, isSecret: false) ?? []
                let secret = try PrivateFile.read(key, isSecret: true) ?? []
                let zeros = [UInt8](repeating: 0, count: 200)
                switch self {
                case .chain:
                    let issuer = try Self.renamed(pem, subject: true, issuer: true)
                    try PrivateFile.write(pem + issuer, to: certificate, mode: 0o644)
                case .foreignIssuer, .foreignSubject:
                    let new = try Self.renamed(
                        pem,
                        subject: self == .foreignSubject,
                        issuer: self == .foreignIssuer
                    )
                    try PrivateFile.write(new, to: certificate, mode: 0o644)
                case .strangerWithoutKey:
                    let new = try Self.renamed(pem, subject: true, issuer: true)
                    try PrivateFile.write(new, to: certificate, mode: 0o644)
                    unsafe unlink(key)
                case .otherKind:
                    // Such as one in DER, with a key that is not marked as this program's.
                    try PrivateFile.write(zeros, to: certificate, mode: 0o644)
                    try PrivateFile.write(Self.unmarked(secret), to: key, mode: 0o600)
                case .bothZeroed:
                    try PrivateFile.write(zeros, to: certificate, mode: 0o644)
                    try PrivateFile.write(zeros, to: key, mode: 0o600)
                }
            }

            /// The same certificate, of the same key, with other names in it. Nobody has signed it,
            /// which shows only to who knows the issuer's key.
            fileprivate static func renamed(
                _ pem: [UInt8],
                subject: Bool,
                issuer: Bool
            ) throws -> [UInt8] {
                var der = try NIOSSLCertificate(bytes: pem, format: .pem).toDERBytes()
                let name = Array("Holdfast server".utf8)
                let places = der.indices.filter { der[$0...].starts(with: name) }
                try #require(places.count == 2)
                for (place, isChanged) in zip(places, [issuer, subject]) where isChanged {
                    der.replaceSubrange(place..<place + name.count, with: "Example company".utf8)
                }
                let text = Array(Base64.encode(der).utf8)
                let lines = stride(from: 0, to: text.count, by: 64).map { start in
                    String(decoding: text[start...].prefix(64), as: UTF8.self) + "\n"
                }
                let body = "-----BEGIN CERTIFICATE-----\n" + lines.joined()
                return Array((body + "-----END CERTIFICATE-----\n").utf8)
            }

            /// A key file without its first line.
            fileprivate static func unmarked(_ key: [UInt8]) -> [UInt8] {
                Array(key[(key.firstIndex(of: 0x0A).map { $0 + 1 } ?? 0)...])
            }
        }

        @Test(
            "what may be the operator's is not replaced, and the start says what to do",
            arguments: Foreign.allCases
        )
        func foreign(_ kind: Foreign) throws {
            let folder = TemporaryFolder()
            let seen = SeenLines()
            _ = try make(folder, seen)
            let certificate = folder.file(ServerCertificate.certificateName)
            let key = folder.file(ServerCertificate.keyName)
            try kind.happen(certificate, key)
            let names = TemporaryFolder.names(in: folder.path)
            let before = try names.map { try bytes(folder.file($0)) }
            do {
                _ = try make(folder, seen)
                Issue.record("it starts")
            } catch TransportError.malformed(let path, let reason) {
                #expect(path == certificate)
                #expect(reason.contains("tls.certificate and tls.key"), "\(reason)")
                #expect(reason.contains("move it and \(key) away"), "\(reason)")
            }
            #expect(TemporaryFolder.names(in: folder.path) == names)
            #expect(try names.map { try bytes(folder.file($0)) } == before)
            #expect(seen.all.isEmpty)
        }

        @Test("one of somebody else in its place is used while it works")
        func foreignAndWhole() throws {
            let folder = TemporaryFolder()
            let seen = SeenLines()
            let first = try make(folder, seen)
            let path = folder.file(ServerCertificate.certificateName)
            let pem = try Foreign.renamed(bytes(path), subject: true, issuer: true)
            try PrivateFile.write(pem, to: path, mode: 0o644)
            let second = try make(folder, seen)
            #expect(second.leafPin == first.leafPin)
            #expect(Array(second.certificatePEM.utf8) == pem)
            #expect(seen.all.isEmpty)
        }

        @Test("a key alone is overwritten if it is self-made, and kept otherwise")
        func keyAlone() throws {
            let folder = TemporaryFolder()
            let certificate = folder.file(ServerCertificate.certificateName)
            let key = folder.file(ServerCertificate.keyName)
            let first = try make(folder, SeenLines())
            deleteFile(certificate)
            let second = try make(folder, SeenLines())
            #expect(first.leafPin != second.leafPin)
            #expect(
                TemporaryFolder.names(in: folder.path)
                    == [ServerCertificate.certificateName, ServerCertificate.keyName]
            )
            let other = Foreign.unmarked(try bytes(key))
            try PrivateFile.write(other, to: key, mode: 0o600)
            deleteFile(certificate)
            #expect(try make(folder, SeenLines()).leafPin != second.leafPin)
            #expect(try bytes("\(key).damaged-1") == other)
            #expect(folder.mode(of: "\(ServerCertificate.keyName).damaged-1") == 0o600)
        }

        private func deleteFile(_ path: String) {
            #expect(unsafe unlink(path) == 0)
        }

        @Test(
            "where files have no second names they are put aside under a free one",
            arguments: [EPERM, EOPNOTSUPP]
        )
        func withoutLinks(_ code: Int32) throws {
            let folder = TemporaryFolder()
            let path = folder.file("file")
            for number in UInt8(1)...3 {
                try PrivateFile.write([number], to: path, mode: 0o600)
                let aside = try ServerCertificate.putAside(path, link: { _, _ in code })
                #expect(aside == "\(path).damaged-\(number)")
            }
            for number in UInt8(1)...3 {
                #expect(try bytes("\(path).damaged-\(number)") == [number])
            }
            #expect(try ServerCertificate.putAside(path, link: { _, _ in code }) == nil)
            try PrivateFile.write([4], to: path, mode: 0o600)
            #expect(
                throws: TransportError.file(path: path, operation: "put aside", code: EIO)
            ) {
                try ServerCertificate.putAside(path, link: { _, _ in EIO })
            }
            #expect(try bytes(path) == [4])
        }

        @Test("files of the operator are never put aside")
        func ofTheOperator() throws {
            let folder = TemporaryFolder()
            let seen = SeenLines()
            _ = try make(folder, seen)
            let certificate = folder.file(ServerCertificate.certificateName)
            let key = folder.file(ServerCertificate.keyName)
            try Damage.zeroedKey.happen(certificate, key)
            #expect(throws: TransportError.self) {
                try ServerCertificate.load(certificatePath: certificate, keyPath: key)
            }
            #expect(
                TemporaryFolder.names(in: folder.path)
                    == [ServerCertificate.certificateName, ServerCertificate.keyName]
            )
        }

        @Test("files that are no pair, no PEM, missing or exposed are named")
        func badFiles() throws {
            let folder = TemporaryFolder()
            let otherFolder = TemporaryFolder()
            for folder in [folder, otherFolder] {
                _ = try ServerCertificate.loadOrCreate(
                    folder: folder.path,
                    names: ["x"],
                    logger: SeenLines().logger
                )
            }
            let certificate = folder.file(ServerCertificate.certificateName)
            let key = folder.file(ServerCertificate.keyName)
            let otherKey = otherFolder.file(ServerCertificate.keyName)
            #expect(throws: TransportError.keyMismatch(certificate: certificate, key: otherKey)) {
                try ServerCertificate.load(certificatePath: certificate, keyPath: otherKey)
            }
            #expect(throws: TransportError.malformed(path: key, reason: "not a PEM certificate")) {
                try ServerCertificate.load(certificatePath: key, keyPath: key)
            }
            let missing = folder.file("missing")
            #expect(throws: TransportError.file(path: missing, operation: "open", code: ENOENT)) {
                try ServerCertificate.load(certificatePath: missing, keyPath: key)
            }
            #expect(throws: TransportError.name("not a name")) {
                try ServerCertificate.loadOrCreate(
                    folder: folder.path,
                    names: ["not a name"],
                    logger: SeenLines().logger
                )
            }
            #expect(unsafe chmod(key, 0o640) == 0)
            #expect(throws: TransportError.keyExposed(path: key, mode: 0o640)) {
                try ServerCertificate.loadOrCreate(
                    folder: folder.path,
                    names: ["x"],
                    logger: SeenLines().logger
                )
            }
        }
    }
}

extension NetworkTests {
    @Suite("network address")
    struct NetworkAddressTests {
        @Test(
            "reads what it writes",
            arguments: [
                ("10.0.0.1:8200", "10.0.0.1", 8_200), ("[::1]:1", "::1", 1), (":0", "", 0),
                ("vault.example.com:65535", "vault.example.com", 65_535),
            ]
        )
        func good(_ text: String, _ host: String, _ port: Int) throws {
            let address = try NetworkAddress(parsing: text)
            #expect(address == NetworkAddress(host: host, port: port))
            #expect(address.text == text)
        }

        @Test(
            "refuses",
            arguments: [
                "", "host", "host:", "host:x", "host:65536", "host:-1", "host:+1", "::1:8200",
                "a b:1",
                "host:\u{0661}", "[::1:8200", "host:000001",
            ]
        )
        func bad(_ text: String) {
            #expect(throws: TransportError.address(text)) { try NetworkAddress(parsing: text) }
        }
    }
}
