#if Measurements
    /// A part of a put that only measurements leave out, to see what it costs.
    package struct PutParts: OptionSet, Sendable {
        /// One bit for each part.
        package let rawValue: Int

        /// - Parameter rawValue: one bit for each part.
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// What the bucket adds up to, and the remembered requests.
        package static let digest = PutParts(rawValue: 1)
        /// The copy of what is overwritten, for ``RecentChanges``.
        package static let copy = PutParts(rawValue: 2)
        /// The whole put.
        package static let all: PutParts = [.digest, .copy]
    }

    extension WriteTransaction {
        /// As ``apply(layers:appliedIndex:appliedTerm:)`` with only some parts, which leaves a
        /// database that is good for nothing else. It is there with the trait only.
        ///
        /// - Throws: as that does.
        package mutating func apply(
            _ parts: PutParts,
            of layers: [OverlayLayer],
            appliedIndex: UInt64,
            appliedTerm: UInt64
        ) throws(StoreError) {
            for layer in layers { try put(parts, of: layer) }
            try apply(layers: [], appliedIndex: appliedIndex, appliedTerm: appliedTerm)
        }

        private mutating func put(_ parts: PutParts, of layer: OverlayLayer) throws(StoreError) {
            let table = RecordTable(tables, in: transaction)
            for (key, bytes) in layer.writes {
                var former = RecentChanges.Former.nothing
                if let stored = try table.record(key) {
                    let isWhole: Bool
                    if parts.contains(.copy) {
                        let whole = try? stored.record()
                        former = whole.map { .record($0.encoded()) } ?? .damaged
                        isWhole = whole != nil
                    } else {
                        isWhole = stored.fault == nil
                    }
                    if parts.contains(.digest) { changes.remove(stored, isWhole: isWhole) }
                }
                if parts.contains(.copy) {
                    applied.changes.append(.init(index: layer.index, key: key, former: former))
                }
                guard let bytes else {
                    try table.remove(key)
                    continue
                }
                try table.put(bytes.span, under: key)
                if parts.contains(.digest) { changes.insert(key, bytes.span) }
            }
            guard let id = layer.requestID else { return }
            if parts.contains(.digest) {
                try remember(id, at: layer.index)
            } else {
                try RequestTable.insert(id, at: layer.index, in: transaction, tables)
            }
        }
    }
#endif
