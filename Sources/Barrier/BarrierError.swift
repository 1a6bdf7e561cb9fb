package import Cryptography
package import Store
package import Wire

/// Why the barrier could not read, write or open something.
///
/// No case carries a name, a value or a key. Records are named by their storage key in hex, which
/// is in the clear on disk anyway; mounts by their id.
package enum BarrierError: OperatorError, Equatable {
    /// A record is there and its boxes do not open or hold nonsense.
    case damagedRecord(key: String, reason: String)
    /// A record opened, and it belongs to another name: somebody moved it.
    case movedRecord(key: String)
    /// A record says it was sealed with a data key that this mount does not have.
    case unknownDataKey(id: UInt32, mount: String)
    /// The store holds no keys for this mount.
    case mountKeysMissing(mount: String)
    /// A batch writes into a mount whose keys no view has loaded.
    case mountKeysNotLoaded(mount: String)
    /// The keys of a mount were to be created twice in one batch.
    case mountKeysExist(mount: String)
    /// A record of the key hierarchy is not there although another one says it must be.
    case hierarchyMissing(HierarchyPart)
    /// A record of the key hierarchy is there and wrong.
    case hierarchyDamaged(HierarchyPart, reason: String)
    /// A record of the key hierarchy is in a newer format than this program knows.
    case hierarchyFormat(HierarchyPart, have: UInt8, want: UInt8)
    /// A vault that was unsealed once cannot be abandoned.
    case alreadyOpened
    /// A path without a single name.
    case pathEmpty
    /// A path above the limit. Both counts are bytes.
    case pathTooLong(have: Int, limit: Int)
    /// A path that breaks the rule in the text. The path itself is not shown.
    case pathMalformed(String)
    /// A value above the limit. Both counts are bytes.
    case valueTooLong(have: Int, limit: Int)
    /// A batch whose encoding is above the limit. Both counts are bytes.
    case batchTooLong(have: Int, limit: Int)
    /// A batch with more operations, prune steps counted, than one entry may have.
    case batchTooManyOperations(have: Int, limit: Int)
    /// The store failed underneath.
    case store(StoreError)
    /// Cryptography failed underneath.
    case cryptography(CryptographyError)

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .damagedRecord, .movedRecord, .unknownDataKey, .mountKeysMissing: .operator
        case .hierarchyMissing, .hierarchyDamaged, .hierarchyFormat: .operator
        case .mountKeysNotLoaded, .mountKeysExist: .bug
        case .alreadyOpened: .operator
        case .pathEmpty, .pathTooLong, .pathMalformed, .valueTooLong: .caller
        case .batchTooLong, .batchTooManyOperations: .caller
        case .store(let error): error.blame
        case .cryptography(let error): error.blame
        }
    }

    /// What happened, with the numbers.
    package var summary: String {
        switch self {
        case .damagedRecord(let key, let reason): "record \(key) is damaged: \(reason)"
        case .movedRecord(let key): "record \(key) was written under another name"
        case .unknownDataKey(let id, let mount): "mount \(mount) has no data key \(id)"
        case .mountKeysMissing(let mount): "no keys are stored for mount \(mount)"
        case .mountKeysNotLoaded(let mount): "the keys of mount \(mount) are not loaded"
        case .mountKeysExist(let mount): "mount \(mount) already has keys"
        case .hierarchyMissing(let part): "the \(part.text) is missing"
        case .hierarchyDamaged(let part, let reason): "the \(part.text) is damaged: \(reason)"
        case .hierarchyFormat(let part, let have, let want):
            "the \(part.text) is in format \(have); this program knows up to \(want)"
        case .alreadyOpened: "the vault was opened before, so it cannot be abandoned"
        case .pathEmpty: "path is empty"
        case .pathTooLong(let have, let limit):
            "path is \(have) bytes; at most \(limit) are allowed"
        case .pathMalformed(let reason): "path is malformed: \(reason)"
        case .valueTooLong(let have, let limit):
            "value is \(have) bytes; at most \(limit) are allowed"
        case .batchTooLong(let have, let limit):
            "the change is \(have) bytes; at most \(limit) fit one entry"
        case .batchTooManyOperations(let have, let limit):
            "the change has \(have) operations; at most \(limit) fit one entry"
        case .store(let error): error.summary
        case .cryptography(let error): error.summary
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .damagedRecord, .movedRecord, .unknownDataKey, .mountKeysMissing:
            "the data of this node is damaged or was altered: stop it, keep its data folder as "
                + "evidence, and let it rebuild from the other members or from a snapshot"
        case .hierarchyMissing, .hierarchyDamaged:
            "compare with another member; if they agree, restore the newest verified snapshot"
        case .hierarchyFormat:
            "run the program version that wrote this data, or a newer one"
        case .mountKeysNotLoaded, .mountKeysExist:
            "this is a fault of the program; report it with the request's kind"
        case .alreadyOpened:
            "unseal it with its shares; to start over, use new data folders"
        case .pathEmpty, .pathMalformed:
            "use names separated by single slashes, without one at the start or at the end"
        case .pathTooLong: "use shorter names or fewer folders"
        case .valueTooLong: "split the value or store it elsewhere and keep its key here"
        case .batchTooLong, .batchTooManyOperations: "split the request into several"
        case .store(let error): error.remedy
        case .cryptography(let error): error.remedy
        }
    }
}

/// The clear records that the key hierarchy consists of.
package enum HierarchyPart: Sendable, Equatable {
    case sealRecord
    case keyring
    case mountKeys(mount: String)
    case openedRecord
    case auditKeys
    case auditAnchors

    /// As it appears in a sentence.
    package var text: String {
        switch self {
        case .sealRecord: "seal record"
        case .keyring: "keyring record"
        case .mountKeys(let mount): "key record of mount \(mount)"
        case .openedRecord: "record of the first unseal"
        case .auditKeys: "record of the audit keys"
        case .auditAnchors: "record of audit anchors"
        }
    }
}

extension BarrierError {
    /// A clear record whose bytes do not parse.
    static func unreadable(_ part: HierarchyPart, _ error: WireError) -> BarrierError {
        .hierarchyDamaged(part, reason: error.summary)
    }
}
