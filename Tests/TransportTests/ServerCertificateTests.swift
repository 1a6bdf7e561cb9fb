import Glibc
import NIOCore
import NIOSSL
import TestSupport
import Testing

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
            #expect(SelfSignedCertificate.isAsSigned(inPEM: pem))
            var noticed = 0
            for position in pem.utf8.indices {
                var bytes = Array(pem.utf8)
                bytes[pem.utf8.distance(from: pem.startIndex, to: position)] ^= 1
                let text = String(decoding: bytes, as: UTF8.self)
                let read = try? NIOSSLCertificate(bytes: bytes, format: .pem)
                let isTaken = read != nil && SelfSignedCertificate.isAsSigned(inPEM: text)
                if isTaken { #expect(read == good) } else { noticed += 1 }
            }
            #expect(noticed > 500)
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
