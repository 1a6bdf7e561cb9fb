import Wire

/// Reads the retained log and verifies all of it: header checksums, the hash chain, bodies against
/// their digests, no gap, and the end where the hard state says it is.
struct LogLoader {
    let transaction: Transaction
    let tables: Tables
    let digest: DigestFunction

    /// - Returns: the whole entries, and those of which only the identity is left.
    /// - Throws: ``StoreError/damagedLogHeader(index:reason:)``,
    ///   ``StoreError/logGap(after:next:)``, ``StoreError/logTailMissing(have:want:)``,
    ///   ``StoreError/corrupt(_:)``.
    func load(
        _ point: HardPoint
    ) throws(StoreError) -> (entries: [StoredEntry], damaged: [DamagedBody]) {
        var entries: [StoredEntry] = []
        var damaged: [DamagedBody] = []
        var end = point.base
        var headers = try Cursor(tables.logHeaders, in: transaction)
        while try headers.next() {
            let header: LogHeader
            do throws(StoreError) {
                header = try next(headers, after: end)
            } catch {
                guard planted("truncatesCorrupt") else { throw error }
                return (entries, damaged)
            }
            do throws(StoreError) {
                entries.append(
                    StoredEntry(
                        index: header.index,
                        term: header.term,
                        kind: header.kind,
                        body: try body(of: header)
                    )
                )
            } catch .damagedLogBody(_, let reason) {
                if planted("truncatesCorrupt") { return (entries, damaged) }
                damaged.append(DamagedBody(header, reason: reason))
            }
            end = header.point
        }
        try requireEnd(end, point)
        return (entries, damaged)
    }

    /// Looks at the log from where `scrub` stands, about `bytesMax` bytes of it.
    ///
    /// - Throws: the same as ``load(_:)``.
    func scrub(
        _ scrub: inout LogScrub,
        through point: HardPoint,
        bytesMax: Int,
        into slice: inout ScrubSlice
    ) throws(StoreError) {
        // The log's beginning may be gone, and its end another one, since the last slice.
        var next = max(scrub.next, point.base.index + 1)
        if next > point.last.index + 1 { next = point.base.index + 1 }
        var end = point.base
        if next > point.base.index + 1 {
            end = try logHeader(at: next - 1, in: transaction, tables).point
        }
        var headers = try Cursor(tables.logHeaders, in: transaction)
        var isFound = try headers.seek(IndexKey(next))
        while isFound, slice.bytes < bytesMax {
            let header = try self.next(headers, after: end)
            slice.bytes += LogHeader.encodedBytes + header.bodyBytes
            do throws(StoreError) {
                _ = try body(of: header)
                try requireNoMore(than: header)
            } catch .damagedLogBody(_, let reason) {
                slice.findings.append(.body(DamagedBody(header, reason: reason)))
            }
            end = header.point
            isFound = try headers.next()
        }
        scrub.next = end.index + 1
        guard !isFound else { return }
        try requireEnd(end, point)
        slice.isFinished = true
    }

    private func requireEnd(_ end: LogPoint, _ point: HardPoint) throws(StoreError) {
        guard end.index >= point.last.index else {
            throw .logTailMissing(have: end.index, want: point.last.index)
        }
        guard end == point.last else {
            throw .corrupt("log ends at entry \(end.index), hard state says \(point.last.index)")
        }
    }

    /// The header under a cursor, which must follow `end`.
    private func next(
        _ cursor: borrowing Cursor,
        after end: LogPoint
    ) throws(StoreError) -> LogHeader {
        let header = try decode(cursor, after: end)
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
        return header
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

    /// The body that belongs to a header.
    ///
    /// - Throws: ``StoreError/damagedLogBody(index:reason:)``.
    func body(of header: LogHeader) throws(StoreError) -> [UInt8] {
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

    /// Behind an entry's pieces comes the next entry's first: anything else is a damaged key.
    private func requireNoMore(than header: LogHeader) throws(StoreError) {
        var bodies = try Cursor(tables.logBodies, in: transaction)
        let end = BodyKey(index: header.index, chunk: UInt32(header.chunkCount))
        guard try bodies.seek(end) else { return }
        guard let found = unsafe BodyKey(bodies.key), found.index > header.index, found.chunk == 0
        else {
            throw .corrupt("table lbody has a piece behind entry \(header.index) that is nobody's")
        }
    }
}

/// Lower-case hex for error texts.
func hexText(_ bytes: [UInt8]) -> String { Hex.encode(bytes) }
