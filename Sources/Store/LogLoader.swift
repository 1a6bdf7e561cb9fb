import Wire

/// Reads the retained log and verifies all of it: header checksums, the hash chain, bodies against
/// their digests, no gap, and the end where the hard state says it is.
struct LogLoader {
    let transaction: Transaction
    let tables: Tables
    let digest: DigestFunction

    /// - Throws: ``StoreError/damagedLogHeader(index:reason:)``,
    ///   ``StoreError/damagedLogBody(index:reason:)``, ``StoreError/logGap(after:next:)``,
    ///   ``StoreError/logTailMissing(have:want:)``, ``StoreError/corrupt(_:)``.
    func load(_ point: HardPoint) throws(StoreError) -> [StoredEntry] {
        var entries: [StoredEntry] = []
        var end = point.base
        var headers = try Cursor(tables.logHeaders, in: transaction)
        while try headers.next() {
            let header = try decode(headers, after: end)
            guard header.follows(end.chainHash, digest: digest) else {
                throw .damagedLogHeader(
                    index: header.index,
                    reason: "its hash does not continue the chain"
                )
            }
            guard header.term >= end.term else {
                throw .damagedLogHeader(
                    index: header.index,
                    reason: "term \(header.term) after term \(end.term)"
                )
            }
            let body = try self.body(of: header)
            entries.append(
                StoredEntry(
                    index: header.index,
                    term: header.term,
                    kind: header.kind,
                    body: body
                )
            )
            end = header.point
        }
        guard end.index >= point.last.index else {
            throw .logTailMissing(have: end.index, want: point.last.index)
        }
        guard end == point.last else {
            throw .corrupt("log ends at entry \(end.index), hard state says \(point.last.index)")
        }
        return entries
    }

    private func decode(
        _ cursor: borrowing Cursor,
        after end: LogPoint
    ) throws(StoreError) -> LogHeader {
        guard let index = unsafe IndexKey.index(cursor.key) else {
            throw .corrupt("a key of table lhdr does not have 8 bytes")
        }
        guard index == end.index + 1 else {
            guard index > end.index else {
                throw .corrupt("log has entry \(index), but starts after \(end.index)")
            }
            throw .logGap(after: end.index, next: index)
        }
        return try LogHeader(decoding: unsafe Array(cursor.value), index: index)
    }

    private func body(of header: LogHeader) throws(StoreError) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(header.bodyBytes)
        for chunk in 0..<header.chunkCount {
            let key = BodyKey(index: header.index, chunk: UInt32(chunk))
            guard let bytes = try transaction.value(of: key, in: tables.logBodies) else {
                throw .damagedLogBody(
                    index: header.index,
                    reason: "piece \(chunk) of \(header.chunkCount) is missing"
                )
            }
            body += bytes
        }
        guard body.count == header.bodyBytes else {
            throw .damagedLogBody(
                index: header.index,
                reason: "it has \(body.count) bytes, its header says \(header.bodyBytes)"
            )
        }
        guard digest(body) == header.bodyDigest else {
            throw .damagedLogBody(index: header.index, reason: "it does not match its digest")
        }
        return body
    }
}

/// Lower-case hex for error texts.
func hexText(_ bytes: [UInt8]) -> String { Hex.encode(bytes) }
