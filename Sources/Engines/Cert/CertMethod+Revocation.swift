import Barrier
import Wire

/// Lists of revoked certificates: `crls/:name`.
///
/// A list is a head record with the count, and its serial numbers in up to
/// ``RevokedSerials/slotCount`` records beside it. One more record changes with every list, so that
/// a login can check that there is no other list by now.
extension CertMethod {
    static let listFolder = "crl/"
    private static let stampPath = "crls"

    private static func slotPath(_ name: String, _ slot: Int) -> String {
        "serials/\(name)/\(slot)"
    }

    /// The lists that there are, and a plan that checks that they stay.
    func revocations(
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (names: [String], plan: BatchPlan) {
        var plan = BatchPlan()
        let stamp = try EngineRecords.read(Self.stampPath, mount.id, view)
        plan.check(Self.stampPath, stamp?.modificationIndex ?? 0)
        let limit = EngineLimits.revocationListsMax
        return (stamp == nil ? [] : try folder(Self.listFolder, limit: limit, view), plan)
    }

    /// Whether a certificate of a chain is on one of the lists. Whose list it is does not count:
    /// names of issuers can be encoded in more than one way, and a miss would let somebody in.
    func isRevoked(
        _ chain: [ClientCertificate],
        _ lists: [String],
        _ view: borrowing BarrierView
    ) throws(EngineError) -> Bool {
        for name in lists {
            for certificate in chain {
                let slot = RevokedSerials.slot(of: certificate.serial)
                if try serials(name, slot, view).contains(certificate.serial) { return true }
            }
        }
        return false
    }

    /// Names in a folder; none where there is none.
    func folder(
        _ path: String,
        limit: Int,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        var page = ListPage()
        page.limit = limit
        do throws(EngineError) {
            return try EngineRecords.list(path, page: page, mount.id, view)
        } catch {
            guard case .notFound = error else { throw error }
            return []
        }
    }

    private func serials(
        _ name: String,
        _ slot: Int,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> RevokedSerials {
        guard
            let opened = try EngineRecords.read(Self.slotPath(name, slot), mount.id, view)
        else { return RevokedSerials([]) }
        return try RevokedSerials(decoding: opened.value)
    }

    // MARK: endpoints

    func readList(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, FieldSchema([], captured: ["name"]))
        let head = try EngineRecords.read(Self.listFolder + name, mount.id, view)
        guard head != nil else { throw .invalid("no such CRL \(name)") }
        var numbers: [String] = []
        for slot in 0..<RevokedSerials.slotCount {
            numbers += try serials(name, slot, view).serials.map(ClientCertificate.decimal)
        }
        let members = JSONObject(numbers.sorted(by: utf8Precedes).map { ($0, [:]) })
        let data: JSONValue = members.isEmpty ? [:] : ["serials": .object(members)]
        return .answer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    func writeList(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.listSchema)
        let text = fields.text("crl") ?? ""
        guard (fields.text("url") ?? "").isEmpty else {
            throw .invalid(
                "this version of Holdfast fetches no list of revoked certificates: upload it as "
                    + "crl, not as url"
            )
        }
        guard !text.isEmpty else { throw .invalid("one of 'crl' or 'url' must be provided") }
        let found: [[UInt8]]
        do throws(WireError) {
            found = try RevokedSerials.parse(text)
        } catch {
            throw .invalid("failed to parse CRL: \(error.summary)")
        }
        let lists = try folder(Self.listFolder, limit: EngineLimits.revocationListsMax, view)
        guard lists.contains(name) || lists.count < EngineLimits.revocationListsMax else {
            throw .invalid(
                "there are \(lists.count) lists of revoked certificates, which is the limit: "
                    + "delete one first"
            )
        }
        var plan = try checked(view)
        var slots = [[[UInt8]]](repeating: [], count: RevokedSerials.slotCount)
        for serial in found { slots[RevokedSerials.slot(of: serial)].append(serial) }
        for (slot, serials) in slots.enumerated() {
            let path = Self.slotPath(name, slot)
            if !serials.isEmpty {
                plan.put(path, RevokedSerials(serials).encoded())
            } else if try EngineRecords.read(path, mount.id, view) != nil {
                plan.delete(path)
            }
        }
        var head = ByteWriter(capacity: 16)
        head.writeUInt8(1)
        head.writeVarint(UInt64(found.count))
        plan.put(Self.listFolder + name, head.bytes)
        plan.put(Self.stampPath, [1])
        return .commit(plan, .empty)
    }

    func deleteList(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let head = try EngineRecords.read(Self.listFolder + name, mount.id, view)
        guard head != nil else { throw .invalid("no such CRL \(name)") }
        var plan = try checked(view)
        for slot in 0..<RevokedSerials.slotCount {
            let path = Self.slotPath(name, slot)
            if try EngineRecords.read(path, mount.id, view) != nil { plan.delete(path) }
        }
        plan.delete(Self.listFolder + name)
        plan.put(Self.stampPath, [1])
        return .commit(plan, .empty)
    }

    /// Every change of a list checks what changes with every list: two never mix.
    private func checked(_ view: borrowing BarrierView) throws(EngineError) -> BatchPlan {
        var plan = BatchPlan()
        let stamp = try EngineRecords.read(Self.stampPath, mount.id, view)
        plan.check(Self.stampPath, stamp?.modificationIndex ?? 0)
        return plan
    }

    private static let listSchema = FieldSchema(
        [("crl", .text), ("url", .text)],
        captured: ["name"]
    )
}
