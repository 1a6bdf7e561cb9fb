import ArgumentParser
import Audit
import Client
import Wire

/// Commands over audit logs. Those that check files ask no server, need no secret and read no
/// record.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Read and check the files of an audit log, and prove what is in it.",
        subcommands: [
            AuditTailCommand.self, AuditVerifyCommand.self, AuditProveCommand.self,
            AuditAnchorsCommand.self,
        ]
    )
}

/// What both commands are told about whom to trust.
struct AuditTrustOptions: ParsableArguments {
    @Option(
        name: long("key"),
        help: "verifier key of the checkpoints, NAME+ID+BASE64; may be given several times"
    )
    var keys: [String] = []

    @Option(
        name: long("anchors"),
        help: "file of checkpoints that another node kept; may be given several times"
    )
    var anchors: [String] = []

    func validate() throws {
        if keys.isEmpty { throw ValidationError("-key is needed: without it nothing is proven") }
    }

    var verifiers: [NoteVerifier] {
        get throws { try keys.map { try NoteVerifier(parsing: $0) } }
    }

    /// Reads the keys and the anchors. An anchor that none of the keys signed is refused.
    func verifier() throws -> AuditVerifier {
        let keys = try verifiers
        let signed = try anchors.flatMap { path in
            let bytes = try LocalFile.read(path, atMost: AuditLimits.anchorFileBytesMax)
            do throws(NoteError) {
                return try SignedCheckpoint.several(bytes, keys: keys)
            } catch {
                throw CommandFailure(.refused, "\(path): \(error.summary)", error.remedy)
            }
        }
        return AuditVerifier(keys: keys, anchors: signed)
    }
}

struct AuditVerifyCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Say whether a log's files are what was written, and up to where.",
        discussion: """
            With the files and the key it finds alteration, deletion and reordering. With anchors, \
            which are checkpoints that another node kept, it also finds truncation and a fork. \
            Exit code 1 if anything is found. With -proof it checks one proof instead.
            """
    )

    @Option(name: long("folder"), help: "the folder with the log's files, audit-….log")
    var folder: String?
    @Option(name: long("proof"), help: "a file that holdfast audit prove wrote")
    var proof: String?
    @OptionGroup var trust: AuditTrustOptions
    @OptionGroup var format: FormatOptions

    func validate() throws {
        if (folder == nil) == (proof == nil) {
            throw ValidationError("one of -folder and -proof is needed")
        }
        if proof != nil, !trust.anchors.isEmpty {
            throw ValidationError("a proof has its own checkpoint and takes no -anchors")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let format = try format.chosen(session)
        if let proof { return try check(proof, session, format) }
        let verdict = try trust.verifier().verify(folder: folder ?? "")
        switch format {
        case .json: session.printJSON(AuditReport.json(verdict))
        case .table: session.printText(AuditReport.text(verdict))
        }
        if !verdict.isIntact {
            session.terminal.hint("copy the folder before anything else writes to it")
            return .refused
        }
        if verdict.anchored == nil {
            session.terminal.hint("holdfast audit verify … -anchors=FILE, kept by another node")
        }
        return .done
    }

    private func check(
        _ path: String,
        _ session: Session,
        _ format: OutputFormat
    ) throws -> ExitStatus {
        let bytes = try LocalFile.read(path, atMost: AuditLimits.proofBytesMax)
        let proof = try LeafProof(parsing: bytes)
        let checkpoint = try proof.verify(keys: trust.verifiers)
        switch format {
        case .json:
            session.printJSON([
                "proven": true, "log": .string(checkpoint.origin),
                "leaf_index": .number(JSONNumber(proof.inclusion.index)),
                "tree_size": .number(JSONNumber(checkpoint.size)),
                "root_hash": .string(checkpoint.root.hex),
            ])
        case .table:
            session.printText(
                "proven: leaf \(proof.inclusion.index) of \(checkpoint.size) in "
                    + checkpoint.origin
            )
        }
        return .done
    }
}

struct AuditProveCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Write a proof that one leaf is in the log.",
        discussion: """
            The proof is JSON: the leaf, which stays sealed, its path to the root (RFC 9162) and \
            the signed checkpoint (C2SP). Any program can check it; this one does with \
            holdfast audit verify -proof.
            """
    )

    @Option(name: long("folder"), help: "the folder with the log's files, audit-….log")
    var folder: String
    @Option(name: long("leaf"), help: "position of the leaf; the first is 0") var leaf: UInt64
    @Option(name: long("out"), help: "write the proof into this file (default: standard output)")
    var out: String?
    @OptionGroup var trust: AuditTrustOptions
    @OptionGroup var format: FormatOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let format = try format.chosen(session)
        let verdict = try trust.verifier().verify(folder: folder)
        guard verdict.isIntact else {
            throw CommandFailure(
                .refused,
                "the log is not what was written: \(verdict.findings.first?.summary ?? "")",
                "holdfast audit verify -folder=\(folder) -key=KEY"
            )
        }
        guard let signed = verdict.proven else {
            throw AuditError.notCovered(index: leaf, covered: 0)
        }
        let proof = try LeafProver.prove(leaf: leaf, under: signed, folder: folder)
        let document = try proof.json()
        guard let out else {
            session.printJSON(document)
            return .done
        }
        let text = ResultText.indented(document) + "\n"
        try LocalFile.writePrivate(out, Array(text.utf8))
        switch format {
        case .json: session.printJSON(["proof": .string(out)])
        case .table:
            session.printText("leaf \(leaf) of \(signed.checkpoint.size): proof in \(out)")
        }
        session.terminal.hint("holdfast audit verify -proof=\(out) -key=KEY")
        return .done
    }
}
