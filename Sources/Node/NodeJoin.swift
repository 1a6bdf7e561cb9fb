import Cryptography
import Raft
import Store
import Transport
import Wire

extension RaftSettings {
    /// A node that does not know what the others may write can neither read its log nor take part.
    func requireKnown(_ level: UInt64) throws(NodeError) {
        guard level <= formatLevel else {
            throw .newerFormat(level: level, known: formatLevel)
        }
    }
}

/// Makes a data folder that belongs to a cluster, for a node that joins one.
package enum NodeJoin {
    /// What a folder says of itself when it asks to be admitted.
    package struct Applicant: Sendable {
        /// Its key's pin, 64 hex digits.
        package let pin: String
        /// Drawn by every attempt, so no two databases ever speak under the same number, whatever
        /// became of the answers. See `Member.incarnation` in `Raft`.
        package let incarnation: UInt64
        /// The highest format level that this version knows.
        package let formatLevel: UInt64
    }

    /// Makes folder and key if there are none.
    ///
    /// - Throws: ``NodeError/joinedAlready(folder:)``, `StoreError`, `TransportError`,
    ///   `CryptographyError`.
    package static func prepare(_ settings: Settings) throws -> Applicant {
        let store = try LocalStore.open(folder: settings.data, digest: sha256)
        if try store.load().cluster != nil {
            throw NodeError.joinedAlready(folder: settings.data)
        }
        return Applicant(
            pin: try NodeIdentity.loadOrCreate(folder: settings.data).pinText,
            incarnation: max(1, try Random.uint64() >> 1),
            formatLevel: settings.raft.formatLevel
        )
    }

    /// Writes down whom the node belongs to; from now on `holdfast server` starts it.
    ///
    /// The answer of the cluster is checked against this node's own key, so an answer for another
    /// node is refused before anything is written. Where another attempt of this node was quicker,
    /// the folder belongs to that cluster already, and stays as it is.
    ///
    /// - Parameters:
    ///   - applicant: as ``prepare(_:)`` returned it for this attempt.
    ///   - bytes: the answer.
    /// - Returns: how many members the cluster has, this one included.
    /// - Throws: ``NodeError``, `StoreError`, `TransportError`, `WireError`.
    package static func enter(
        _ settings: Settings,
        as applicant: Applicant,
        admission bytes: [UInt8]
    ) throws -> Int {
        let admission = try Admission(decoding: bytes)
        try settings.raft.requireKnown(admission.formatLevel)
        let store = try LocalStore.open(folder: settings.data, digest: sha256)
        let pin = try NodeIdentity.loadOrCreate(folder: settings.data).pin
        guard admission.configuration.members.contains(where: { $0.pin == pin }) else {
            throw NodeError.notAdmitted(node: settings.node)
        }
        if let cluster = try store.load().cluster {
            guard cluster.clusterID == admission.clusterID else {
                throw NodeError.joinedAlready(folder: settings.data)
            }
            return admission.configuration.members.count
        }
        try store.write { transaction throws(StoreError) in
            try transaction.setCluster(
                ClusterRecord(
                    clusterID: admission.clusterID,
                    epoch: admission.epoch,
                    incarnation: applicant.incarnation,
                    bootCounter: 0,
                    configuration: admission.configuration.encoded(),
                    formatLevel: admission.formatLevel
                )
            )
        }
        return admission.configuration.members.count
    }
}
