import Audit
import Barrier
import Cryptography
import Engines
import Wire

/// `sys/audit-anchors`: what the cluster knows of every member's audit log, for `audit verify`.
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
