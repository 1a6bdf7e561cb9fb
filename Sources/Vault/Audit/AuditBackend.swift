import Audit
import Barrier
import Cryptography
import Engines
import Wire

/// What goes with the nodes' own logs. `sys/audit-anchors`: what the cluster knows of every one,
/// for `audit verify`. `sys/audit-key`: what opens one segment of one, for `audit tail`.
struct AuditBackend {
    let environment: VaultEnvironment

    /// The verifier key, the signed notes, oldest first, and the newest one of each log, and where
    /// the cluster's own log of anchors stands.
    func anchors(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let anchors: AuditAnchors
        do throws(BarrierError) {
            anchors = try view.auditAnchors()
        } catch {
            throw .barrier(error)
        }
        var log = AnchorLog()
        if let head = anchors.head {
            do throws(WireError) {
                log = try AnchorLog(decoding: head)
            } catch {
                throw .damaged("the log of anchors: \(error.summary)")
            }
        }
        let data: JSONValue = [
            "key": .string(try key().text),
            "anchors": texts(anchors.recent),
            "newest": texts(anchors.newest),
            "size": .number(JSONNumber(log.size)),
            "checkpoint": .string(String(decoding: log.note, as: UTF8.self)),
        ]
        return VaultAnswer(EngineAnswer(data: data.encoded(sortingKeys: true)))
    }

    /// The key of one segment, from the opening that the segment begins with. With the key come
    /// the file's records and nothing else: another segment, of whichever node, has another one.
    ///
    /// `input` is answered with what the records show for it, to look for an accessor.
    func segmentKey(_ fields: JSONObject) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(fields, Self.schema)
        guard let bytes = fields.text("opening").flatMap(Base64.decode) else {
            throw .invalid("\"opening\" must be the first leaf of a segment, in base64")
        }
        var data: JSONObject
        do {
            let opening = try SegmentOpening(decoding: bytes)
            let pair = try environment.keyring.audit.keyPair()
            let secret = try opening.secret(with: pair.privateKey)
            data = [
                "key": .string(Base64.encode(secret.exposedCopy())),
                "log": .string(opening.log.origin),
                "segment": .number(JSONNumber(opening.number)),
            ]
        } catch let error as any OperatorError {
            throw .invalid("no opening of this vault's logs: \(error.summary)")
        } catch {
            throw .invalid("no opening of this vault's logs")
        }
        if let input = fields.text("input"), !input.isEmpty {
            data["hash"] = .string(ValueHash(key: environment.keyring.audit.hash).text(input))
        }
        let encoded = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: encoded, warnings: fields.warnings))
    }

    private static let schema = FieldSchema([("opening", .text), ("input", .text)])

    private func key() throws(VaultError) -> NoteVerifier {
        let publicKey: [UInt8]
        do throws(CryptographyError) {
            publicKey = try environment.keyring.audit.signingKey().publicKey
        } catch {
            throw .barrier(.cryptography(error))
        }
        let name = AuditNames.key(of: environment.keyring.vaultID)
        do throws(NoteError) {
            return try NoteVerifier(name: name, publicKey: publicKey)
        } catch {
            throw .damaged("the key of the audit: \(error.summary)")
        }
    }

    private func texts(_ notes: [[UInt8]]) -> JSONValue {
        .array(notes.map { .string(String(decoding: $0, as: UTF8.self)) })
    }
}
