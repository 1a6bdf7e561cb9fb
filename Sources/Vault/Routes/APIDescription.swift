import Barrier
import Engines
import Policy
import Wire

/// Descriptions of the API: all of it at `sys/internal/specs/openapi`, and one path where a request
/// asks for help.
struct APIDescription {
    let call: VaultCall

    private var version: String { call.environment.facts.version }

    /// `GET sys/internal/specs/openapi`: what the token may see, which without one is nothing.
    func document(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        guard call.request.operation == .read else {
            throw .engine(.unsupportedOperation, isBare: true)
        }
        let schema = FieldSchema([("generic_mount_paths", .bool)])
        let isGeneric =
            try SystemFields.parse(call.request.fields, schema)
            .bool("generic_mount_paths") ?? false
        var document = OpenAPIDocument(version: version)
        if let access = try access(view) {
            describe(call.mounts, access, isGeneric: isGeneric, in: &document)
        }
        return .bare(document.encoded())
    }

    /// What the token may do; nil for none and for one that is not known.
    private func access(_ view: borrowing BarrierView) throws(VaultError) -> TokenAccess? {
        do throws(VaultError) {
            return try Authority.check(
                call.request.token,
                from: call.request.remoteAddress,
                call.environment,
                view
            ).access
        } catch .permissionDenied {
            return nil
        }
    }

    private func describe(
        _ mounts: MountTable,
        _ access: TokenAccess,
        isGeneric: Bool,
        in document: inout OpenAPIDocument
    ) {
        func reaches(_ text: String) -> Bool { access.list?.reaches(below: text) ?? false }
        for place in RouteCatalog.builtIn {
            for endpoint in place.table.endpoints
            where endpoint.isOpen || reaches(place.path + endpoint.pattern.literalPrefix) {
                document.add(endpoint, below: place.path, tag: place.tag)
            }
        }
        var kinds: [EngineKind] = []
        for entry in mounts.entries where reaches(entry.record.path) {
            let kind = entry.record.kind
            let place = RouteCatalog.place(entry)
            let isMany =
                document.count + place.table.endpoints.count > VaultLimits.describedPathsMax
            guard isGeneric || isMany else {
                for endpoint in place.table.endpoints {
                    document.add(endpoint, below: place.path, tag: place.tag)
                }
                continue
            }
            if kinds.contains(kind) { continue }
            kinds.append(kind)
            let auth = kind.isAuthMethod ? MountTable.authPrefix : ""
            for endpoint in place.table.endpoints {
                document.add(
                    endpoint,
                    below: "\(auth){\(entry.record.type)_mount_path}/",
                    tag: place.tag
                )
            }
        }
    }

    // MARK: help

    /// Whether the path that is asked about needs no token.
    var isAboutOpenPath: Bool {
        guard let (place, below) = RouteCatalog(mounts: call.mounts).find(call.request.path),
            let endpoint = try? place.table.endpoint(below, .help)
        else { return false }
        return endpoint.isOpen
    }

    /// What one path is for. What is there is no secret, but what is in it.
    func help(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let mounts = call.mounts
        let path = call.request.path
        guard let (place, below) = RouteCatalog(mounts: mounts).find(path) else {
            throw .noHandler(path: path)
        }
        var document = OpenAPIDocument(version: version)
        let text: String
        if below.isEmpty {
            for endpoint in place.table.endpoints {
                document.add(endpoint, below: "", tag: place.tag)
            }
            text = overview(place)
        } else {
            let endpoint: Endpoint
            do throws(EngineError) {
                endpoint = try place.table.endpoint(below, .help)
            } catch {
                throw .engine(error)
            }
            document.add(endpoint, below: "", tag: place.tag)
            text = """
                Request:        \(below)
                Matching Route: \(endpoint.pattern.text)

                \(endpoint.summary)

                Operations: \(endpoint.operations.map { "\($0)" }.joined(separator: ", "))
                """
        }
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.name("help")
        writer.string(text)
        writer.name("openapi")
        writer.raw(document.encoded())
        writer.name("see_also")
        writer.null()
        writer.endObject()
        return .bare(writer.bytes)
    }

    private func overview(_ place: RouteCatalog.Place) -> String {
        let lines = place.table.endpoints.map { "    \($0.pattern.text)\n        \($0.summary)" }
        return "## PATHS\n\nThe following paths are below \(place.path)\n\n"
            + lines.joined(separator: "\n\n")
    }
}
