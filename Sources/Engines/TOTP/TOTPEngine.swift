import Barrier
import Cryptography
import Wire

/// One-time passwords from the time: keeps keys, makes codes of them, and checks codes.
///
/// Records: `k/<name>` is a key, `u/<name>` the periods whose codes were accepted. A code is
/// accepted once: the batch that notes it checks that nobody noted one in between, so of two
/// requests with the same code one is refused, on whatever nodes they came in.
struct TOTPEngine {
    let mount: EngineMount

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        switch (TOTPEndpoint(path: request.path), request.operation) {
        case (nil, _): throw .unsupportedPath
        case (.keys, .list):
            return try EngineRecords.listing(TOTPNames.keys, request, mount.id, view)
        case (.key(let name), .read): return try readKey(name, request, view)
        case (.key(let name), .update): return try writeKey(name, request, view)
        case (.key(let name), .delete): return try deleteKey(name, view)
        case (.code(let name), .read): return try makeCode(name, request, view)
        case (.code(let name), .update): return try checkCode(name, request, view)
        default: throw .unsupportedOperation
        }
    }

    // MARK: keys

    private func readKey(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.noFields)
        guard let key = try key(name, view)?.record else { throw .notFound }
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        writer.name("account_name")
        writer.string(key.account)
        writer.name("algorithm")
        writer.string(TOTPSettings.name(of: key.hash))
        writer.name("digits")
        writer.int(key.digits)
        writer.name("issuer")
        writer.string(key.issuer)
        writer.name("period")
        writer.uint(key.period)
        writer.endObject()
        return .answer(EngineAnswer(data: writer.bytes, warnings: fields.warnings))
    }

    private func writeKey(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let input = try TOTPKeyInput(request.fields)
        let bytes: [UInt8]
        var isShown = false
        switch input.source {
        case .given(let given): bytes = given
        case .generated(let count):
            var entropy = request.entropy()
            bytes = entropy.bytes(count)
            isShown = input.isExported
        }
        let record = TOTPKeyRecord(
            issuer: input.issuer,
            account: input.account,
            key: bytes,
            input.settings
        )
        var plan = BatchPlan()
        plan.put(TOTPNames.key(name), record.encoded())
        // Another key's codes: what was used of the old one says nothing.
        if try EngineRecords.read(TOTPNames.used(name), mount.id, view) != nil {
            plan.delete(TOTPNames.used(name))
        }
        guard isShown else { return .commit(plan, .empty) }
        let data = try shown(record, imageSize: input.imageSize)
        return .commit(plan, EngineAnswer(data: data, warnings: input.warnings))
    }

    /// What an authenticator application needs, this once.
    private func shown(
        _ record: TOTPKeyRecord,
        imageSize: Int
    ) throws(EngineError) -> [UInt8] {
        let url = TOTPURL(
            issuer: record.issuer,
            account: record.account,
            key: Base32.encode(record.key),
            period: Int(record.period),
            digits: record.digits,
            algorithm: TOTPSettings.name(of: record.hash)
        )
        let image = imageSize > 0 ? try Self.image(of: url.text, size: imageSize) : nil
        var writer = JSONWriter(capacity: 256 + (image?.utf8.count ?? 0))
        writer.beginObject()
        if let image {
            writer.name("barcode")
            writer.string(image)
        }
        writer.name("url")
        writer.string(url.text)
        writer.endObject()
        return writer.bytes
    }

    /// A picture of the URL for the camera of a telephone: base64 of a PNG file.
    private static func image(of text: String, size: Int) throws(EngineError) -> String {
        let prefix = "failed to generate QR code image: "
        guard let code = QRCode(Array(text.utf8)) else {
            throw .failed(prefix + "the url is too long for one: pass qr_size=0")
        }
        guard let image = PNGImage.encode(code, size: size) else {
            throw .failed(
                prefix + "can not scale barcode to an image smaller than \(code.side)x\(code.side)"
            )
        }
        return Base64.encode(image)
    }

    private func deleteKey(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard try key(name, view) != nil else { return .answer(.empty) }
        var plan = BatchPlan()
        plan.delete(TOTPNames.key(name))
        plan.delete(TOTPNames.used(name))
        return .commit(plan, .empty)
    }

    // MARK: codes

    private func makeCode(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.codeFields)
        guard let key = try key(name, view)?.record else { throw unknown(name) }
        let step = key.step(at: request.now)
        var writer = JSONWriter(capacity: 96)
        writer.beginObject()
        writer.name("code")
        writer.string(key.code(ofStep: step))
        writer.name("expire_time")
        writer.uint((step + 1) * key.period)
        writer.name("generated")
        writer.uint(request.now.nanoseconds / 1_000_000_000)
        writer.name("period")
        writer.string(GoDuration.format(nanoseconds: Int64(key.period) * 1_000_000_000))
        writer.endObject()
        return .answer(EngineAnswer(data: writer.bytes, warnings: fields.warnings))
    }

    private func checkCode(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.codeFields)
        let code = fields.text("code") ?? ""
        guard !code.isEmpty else { throw .invalid("the code value is required") }
        guard let (key, keyIndex) = try key(name, view) else { throw unknown(name) }
        guard code.utf8.count == key.digits else {
            throw .invalid("invalid number of digits for the code")
        }
        let step = key.step(at: request.now)
        let first = step >= key.skew ? step - key.skew : 0
        let accepted = first...step + key.skew
        // Every period is computed, so the time does not tell which one matched.
        let matches = accepted.filter { candidate in
            constantTimeEquals(Array(key.code(ofStep: candidate).utf8), Array(code.utf8))
        }
        guard let match = matches.first else {
            return .answer(EngineAnswer(data: Self.validity(false), warnings: fields.warnings))
        }
        let opened = try EngineRecords.read(TOTPNames.used(name), mount.id, view)
        var used =
            try opened.map { opened throws(EngineError) in
                try TOTPUsedRecord(decoding: opened.value)
            } ?? TOTPUsedRecord()
        guard !matches.contains(where: { used.steps.contains($0) }) else {
            throw .invalid("code already used; wait until the next time period")
        }
        used.steps = (used.steps.filter { $0 >= first } + [match]).sorted()
        var plan = BatchPlan()
        plan.check(TOTPNames.key(name), keyIndex)
        plan.check(TOTPNames.used(name), opened?.modificationIndex ?? 0)
        plan.put(TOTPNames.used(name), used.encoded())
        let answer = EngineAnswer(data: Self.validity(true), warnings: fields.warnings)
        return .commit(plan, answer)
    }

    private static func validity(_ isValid: Bool) -> [UInt8] {
        Array(#"{"valid":\#(isValid)}"#.utf8)
    }

    private func unknown(_ name: String) -> EngineError { .invalid("unknown key: \(name)") }

    private func key(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: TOTPKeyRecord, modificationIndex: UInt64)? {
        try EngineRecords.record(
            TOTPNames.key(name),
            mount.id,
            view,
            TOTPKeyRecord.init(decoding:)
        )
    }

    private static let noFields = FieldSchema([], captured: ["name"])
    private static let codeFields = FieldSchema([("code", .text)], captured: ["name"])
}

/// Where the engine keeps its records, relative to the mount.
enum TOTPNames {
    static let keys = "k/"

    static func key(_ name: String) -> String { keys + name }

    static func used(_ name: String) -> String { "u/" + name }
}

/// The endpoints. Nil for a path that is none of the API's.
enum TOTPEndpoint: Equatable {
    case keys
    case key(String)
    case code(String)

    init?(path: String) {
        if path == "keys" || path == "keys/" {
            self = .keys
            return
        }
        guard let slash = path.utf8.firstIndex(of: 0x2F) else { return nil }
        let name = String(path[path.utf8.index(after: slash)...])
        guard EndpointName.isValid(name, besides: [0x40]) else { return nil }
        switch path[..<slash] {
        case "keys": self = .key(name)
        case "code": self = .code(name)
        default: return nil
        }
    }
}

/// Names in the paths of OpenBao's engines: letters, digits, `_`, and between them `-` and `.`.
package enum EndpointName {
    /// - Parameter others: bytes that may stand between letters, too.
    package static func isValid(_ name: String, besides others: [UInt8] = []) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last,
            bytes.count <= EngineLimits.endpointNameBytesMax
        else { return false }
        return isWord(first) && isWord(last)
            && bytes.allSatisfy { isWord($0) || $0 == 0x2D || $0 == 0x2E || others.contains($0) }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
        default: false
        }
    }
}
