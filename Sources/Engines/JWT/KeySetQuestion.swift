package import Wire

/// Where an issuer publishes its keys.
package struct KeySource: Sendable, Hashable {
    /// How they are found.
    package enum Kind: UInt8, Sendable {
        /// The URL is that of the key set.
        case keySet = 1
        /// The URL is the issuer's, which says where its key set is.
        case discovery = 2
    }

    /// What the URL leads to.
    package let kind: Kind
    package let url: String
    /// Certificates in PEM whose servers are trusted; empty: those that the system trusts.
    package let authorities: String

    package init(kind: Kind, url: String, authorities: String) {
        self.kind = kind
        self.url = url
        self.authorities = authorities
    }

    func write(to writer: inout ByteWriter) {
        writer.writeUInt8(kind.rawValue)
        writer.writeString(url)
        writer.writeString(authorities)
    }

    init(reading reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.readUInt8()) else {
            throw .malformed("a source of keys that this version does not have")
        }
        self.kind = kind
        url = try reader.readString(atMost: WebAddress.bytesMax)
        authorities = try reader.readString(atMost: EngineLimits.authoritiesBytesMax)
    }
}

/// What the effect ``EffectKind/keySet`` asks. Whoever performs it keeps key sets for a while.
///
/// It is never told a token or the name of a key: whether a set will do is the engine's to say.
package struct KeySetQuestion: Sendable, Equatable {
    /// How fresh the set has to be.
    package enum Need: Sendable, Equatable {
        /// One that is kept will do.
        case kept
        /// That one does not do: a newer one, unless the issuer was asked just now.
        case newer(than: UInt64)
        /// Whatever is kept, the issuer has to answer now.
        case now
    }

    /// Whose keys, and how fresh.
    package let source: KeySource
    package var need: Need

    package init(_ source: KeySource, _ need: Need) {
        self.source = source
        self.need = need
    }

    /// The body of the effect: source, kind of need, revision.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: source.authorities.utf8.count + 256)
        source.write(to: &writer)
        switch need {
        case .kept: writer.writeUInt8(1)
        case .newer(let revision):
            writer.writeUInt8(2)
            writer.writeUInt64(revision)
        case .now: writer.writeUInt8(3)
        }
        return writer.bytes
    }

    /// - Throws: `WireError` for anything that ``encoded()`` cannot have made.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        source = try KeySource(reading: &reader)
        switch try reader.readUInt8() {
        case 1: need = .kept
        case 2: need = .newer(than: try reader.readUInt64())
        case 3: need = .now
        case let kind: throw .malformed("a need of kind \(kind)")
        }
        try reader.finish()
    }
}

/// What the effect brings.
package struct KeySetAnswer: Sendable {
    /// Higher for each set that is fetched, and the same for the same fetch, on one node.
    package let revision: UInt64
    package let keys: KeySet

    package init(revision: UInt64, keys: KeySet) {
        self.revision = revision
        self.keys = keys
    }

    /// The outcome of the effect: revision, keys.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 4_096)
        writer.writeUInt64(revision)
        keys.write(to: &writer)
        return writer.bytes
    }

    /// - Throws: `WireError` for anything that ``encoded()`` cannot have made.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        revision = try reader.readUInt64()
        keys = try KeySet(reading: &reader)
        try reader.finish()
    }
}
