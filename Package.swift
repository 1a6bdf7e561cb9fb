// swift-tools-version: 6.3
import PackageDescription

/// Every target: Swift 6 mode, explicit existentials, no leaked imports, warnings are errors.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// The simulator runs on one thread and is judged by its speed, of which the checks of exclusive
/// access to its objects took a tenth. Debug builds, and so the tests, keep them.
let simulator =
    house + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// One library target of ours and its dependencies. Arrows point downward; `TidyTests` checks it.
func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let package = Package(
    name: "holdfast",
    products: [.executable(name: "holdfast", targets: ["holdfast"])],
    traits: [
        .trait(
            name: "PlantedBugs",
            description: "Faults that `simulate --planted` shows to be found; never in a product."
        ),
        .trait(
            name: "Measurements",
            description: "Puts without some part, for `store-trials cost`; never in a product."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // Level 0
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        layer("Wire", []),
        // Level 1
        layer("Raft", ["Wire"]),
        layer("History", ["Wire"]),
        layer("Policy", ["Wire"]),
        layer("Cryptography", ["COpenSSL", "Wire", crypto]),
        layer("Store", ["CLMDB", "Wire"]),
        // Level 2
        layer("Shamir", ["Cryptography", "Wire"]),
        layer("Replica", ["CLinux", "Raft", "Store", "Wire", logging]),
        // Level 3
        layer("Barrier", ["Cryptography", "Shamir", "Store", "Wire"]),
        layer("Audit", ["CLinux", "Cryptography", "Wire"]),
        // Level 4
        layer("Engines", ["Barrier", "Cryptography", "Store", "Wire"]),
        // Level 5
        layer("Vault", ["Audit", "Barrier", "Cryptography", "Engines", "Policy", "Store", "Wire"]),
        // Level 6
        layer("API", ["Engines", "Policy", "Vault", "Wire"]),
        layer(
            "Transport",
            [
                "Cryptography", "Raft", "Wire", asn1, crypto, logging, nioCore, nioHTTP1, nioPosix,
                nioSSL, nioTLS, x509,
            ]
        ),
        // Level 7
        layer(
            "Node",
            [
                "API", "Audit", "Barrier", "Cryptography", "Engines", "Policy", "Raft", "Replica",
                "Shamir", "Store", "Transport", "Vault", "Wire", logging, nioCore, nioPosix,
            ]
        ),
        // Level 8
        layer("Client", ["Wire", nioCore, nioHTTP1, nioPosix, nioSSL]),
        layer(
            "Commands",
            ["Audit", "Client", "Cryptography", "Node", "Wire", arguments, logging]
        ),
        .executableTarget(name: "holdfast", dependencies: ["Commands"], swiftSettings: house),
        // Tools of the tests
        .executableTarget(
            name: "history-check",
            dependencies: ["History"],
            swiftSettings: house
        ),
        // Level 3, beside the product: consensus under a virtual clock, network and disk
        .target(
            name: "Simulator",
            dependencies: ["History", "Raft", "Replica", "Store", "Wire"],
            exclude: ["PlantedBugs.md", "README.md"],
            swiftSettings: simulator
        ),
        .executableTarget(
            name: "simulate",
            dependencies: [
                "Simulator", "Store",
                .target(name: "RaftLaboratory", condition: .when(traits: ["PlantedBugs"])),
            ],
            swiftSettings: house,
            // Reference counting is a sixth of a run, and costs less without a jump table.
            linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
        ),
        // Tests
        .target(
            name: "TestSupport",
            dependencies: ["Raft", logging],
            path: "Tests/TestSupport",
            swiftSettings: house
        ),
        tests("WireTests", ["TestSupport", "Wire"]),
        .target(
            name: "RaftLaboratory",
            dependencies: ["Raft", "TestSupport"],
            path: "Tests/RaftLaboratory",
            swiftSettings: house
        ),
        tests("RaftTests", ["Raft", "RaftLaboratory", "TestSupport", "Wire"]),
        tests("ScenarioTests", ["Raft", "RaftLaboratory"]),
        tests("HistoryTests", ["History", "TestSupport", "Wire"]),
        tests("PolicyTests", ["Policy", "TestSupport", "Wire"]),
        tests("CryptographyTests", ["Cryptography", "Wire"]),
        .target(name: "CFaults", path: "Tests/Faults"),
        .target(
            name: "CrashImages",
            dependencies: ["CFaults", "Store", "TestSupport", "Wire"],
            path: "Tests/CrashImages",
            swiftSettings: house
        ),
        .executableTarget(
            name: "store-trials",
            dependencies: [
                "CrashImages", "Cryptography", "Raft", "Replica", "Store", "TestSupport", "Wire",
            ],
            path: "Tests/StoreTrials",
            swiftSettings: house
        ),
        .executableTarget(
            name: "policy-trials",
            dependencies: ["Policy", "TestSupport", "Wire"],
            path: "Tests/PolicyTrials",
            swiftSettings: house
        ),
        tests("StoreTests", ["CFaults", "CLMDB", "CrashImages", "Store", "TestSupport", "Wire"]),
        tests("ShamirTests", ["Cryptography", "Shamir", "Wire"]),
        tests(
            "ReplicaTests",
            ["Cryptography", "Raft", "Replica", "Store", "TestSupport", "Wire", logging]
        ),
        tests("SimulatorTests", ["Raft", "Replica", "Simulator", "Store", "Wire"]),
        tests("BarrierTests", ["Barrier", "Cryptography", "Shamir", "Store", "Wire"]),
        tests("AuditTests", ["Audit", "CFaults", "Cryptography", "TestSupport", "Wire"]),
        tests(
            "EnginesTests",
            ["Barrier", "Cryptography", "Engines", "Store", "TestSupport", "Wire"]
        ),
        tests(
            "VaultTests",
            [
                "API", "Audit", "Barrier", "Cryptography", "Engines", "Policy", "Shamir", "Store",
                "TestSupport", "Vault", "Wire",
            ]
        ),
        tests(
            "TransportTests",
            [
                "Cryptography", "Raft", "TestSupport", "Transport", "Wire", nioCore, nioPosix,
                nioSSL, logging,
            ]
        ),
        tests(
            "NodeTests",
            [
                "API", "Audit", "Barrier", "Cryptography", "Engines", "Node", "Raft", "Replica",
                "Shamir",
                "Store", "TestSupport", "Transport", "Vault", "Wire", logging, nioCore, nioPosix,
            ]
        ),
        tests(
            "CommandsTests",
            [
                "Audit", "Client", "Commands", "Cryptography", "TestSupport", "Wire", nioCore,
                nioEmbedded, nioHTTP1, nioPosix, nioSSL,
            ]
        ),
        tests("TidyTests", []),
    ]
)
