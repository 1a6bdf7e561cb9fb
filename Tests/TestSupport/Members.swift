package import Raft

/// Names, addresses and key of member `number`, which is below 256.
package func memberDetails(_ number: UInt64) -> MemberDetails {
    MemberDetails(
        name: "n\(number)",
        region: "r",
        zone: "z",
        peerAddress: "127.0.0.1:\(7_000 + number)",
        apiAddress: "https://127.0.0.1:\(8_000 + number)",
        pin: [UInt8](repeating: UInt8(number), count: 32)
    )
}

/// Voters 1 to `count`, as a cluster begins.
package func voters(_ count: UInt64) -> Configuration {
    Configuration(
        members: (1...count).map { number in
            Member(
                id: NodeID(number: number),
                details: memberDetails(number),
                role: .voter,
                incarnation: 0
            )
        }
    )
}
