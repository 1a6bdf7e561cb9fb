import Audit
import Wire

/// A verdict on an audit log as text and as JSON.
enum AuditReport {
    /// Columns of a sentence.
    private static let width = 100

    static func text(_ verdict: AuditVerdict) -> String {
        var table = Table(["Key", "Value"])
        table.add(["Log", verdict.log.origin])
        table.add(["Vault", uuidText(verdict.log.vaultID)])
        table.add(["Segments", "\(verdict.segments), the newest of \(verdict.newest.rfc3339)"])
        table.add(["Leaves", String(verdict.leaves)])
        table.add(["Root", verdict.root.base64])
        let own = verdict.foreignCheckpoints > 0 ? ", \(verdict.foreignCheckpoints) by others" : ""
        table.add(["Signed Leaves", "\(verdict.covered), \(verdict.checkpoints) checkpoints\(own)"])
        if verdict.anchors + verdict.foreignAnchors > 0 {
            let others =
                verdict.foreignAnchors > 0 ? ", \(verdict.foreignAnchors) of other logs" : ""
            table.add([
                "Anchored Leaves", "\(verdict.anchored ?? 0), \(verdict.anchors) anchors\(others)",
            ])
        }
        if verdict.cuts > 0 { table.add(["Torn By Crashes", "\(verdict.cuts) writes"]) }
        table.add(["Findings", String(verdict.findingsCount)])
        var lines = [table.text(), ""]
        for finding in verdict.findings {
            lines += wrapped("\(finding.kind): \(finding.summary)")
        }
        let rest = verdict.findingsCount - verdict.findings.count
        if rest > 0 { lines.append("and \(rest) more") }
        for claim in verdict.claims { lines += wrapped(claim) }
        return lines.joined(separator: "\n")
    }

    static func json(_ verdict: AuditVerdict) -> JSONValue {
        func number(_ value: UInt64) -> JSONValue { .number(JSONNumber(value)) }
        func number(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }
        let findings = verdict.findings.map { finding -> JSONValue in
            ["kind": .string(finding.kind), "text": .string(finding.summary)]
        }
        return [
            "intact": .bool(verdict.isIntact),
            "log": .string(verdict.log.origin),
            "vault_id": .string(uuidText(verdict.log.vaultID)),
            "segments": number(verdict.segments),
            "newest_segment": .string(verdict.newest.rfc3339),
            "leaves": number(verdict.leaves),
            "root_hash": .string(verdict.root.hex),
            "checkpoints": number(verdict.checkpoints),
            "foreign_checkpoints": number(verdict.foreignCheckpoints),
            "signed_leaves": number(verdict.covered),
            "anchors": number(verdict.anchors),
            "foreign_anchors": number(verdict.foreignAnchors),
            "anchored_leaves": verdict.anchored.map { number($0) } ?? nil,
            "unfinished_bytes": number(verdict.tornBytes),
            "torn_by_crashes": number(verdict.cuts),
            "findings": .array(findings),
            "findings_count": number(verdict.findingsCount),
            "claims": .array(verdict.claims.map { .string($0) }),
        ]
    }

    /// A sentence in lines of at most ``width`` columns; the following ones are indented.
    private static func wrapped(_ sentence: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in sentence.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = "  " + word
            } else {
                line += (line.isEmpty ? "" : " ") + word
            }
        }
        return lines + [line]
    }
}
