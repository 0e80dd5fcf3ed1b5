// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// Targets in the order of their dependencies: each may use only those above it.

import PackageDescription

/// Every target builds with these. A new warning is a broken build.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let scripts = [
    "constants", "prelude", "standing", "join", "visit", "tick", "restore", "configure", "reset",
].map { Resource.embedInCode("Lua/\($0).lua") }

let scenarios = ["calm", "leavers", "sleepers", "scripts", "faults", "operator", "million"]
    .map { Resource.embedInCode("Scenarios/\($0).yaml") }

let nginxFiles = [
    "vestibule-http.conf", "vestibule-http-lua.conf", "vestibule-http-auth-request.conf",
    "vestibule-http-common.conf", "vestibule-server.conf", "vestibule-server-auth-request.conf",
    "vestibule-fastcgi-params.conf", "vestibule-scgi-params.conf", "vestibule-protect.conf",
    "vestibule-protect-auth-request.conf", "vestibule.js", "vestibule.lua",
]

let package = Package(
    name: "vestibule",
    products: [],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // C libraries as Debian ships them, and the few system calls that Swift cannot import.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CFastCGI", providers: [.apt(["libfcgi-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLinux"),

        // Rules and formats: no input or output, no clock, no chance.
        .target(name: "Admission", resources: [.embedInCode("Learned/eta-gru.txt")], swiftSettings: strict),
        .target(name: "StrictJSON", swiftSettings: strict),
        .target(name: "GatewayWire", swiftSettings: strict),
        .target(name: "Passes", dependencies: ["StrictJSON", crypto], swiftSettings: strict),

        // The event loop, and what speaks over it.
        .target(name: "Reactor", dependencies: ["CLinux"], swiftSettings: strict),
        .target(
            name: "Gateway",
            dependencies: ["CFastCGI", "CLinux", "GatewayWire", "Reactor"],
            swiftSettings: strict
        ),
        .target(name: "Telemetry", dependencies: [logging], swiftSettings: strict),
        .target(name: "Processes", swiftSettings: strict),

        // What a request means, and the store it asks.
        .target(
            name: "WaitingRoomAPI",
            dependencies: ["Admission", "GatewayWire", "Passes", "StrictJSON", "Telemetry"],
            resources: [.embedInCode("Page/waiting.html")],
            swiftSettings: strict
        ),
        .target(
            name: "RedisQueue",
            dependencies: ["Admission", "CHiredis", "Reactor", "WaitingRoomAPI", crypto],
            resources: scripts,
            swiftSettings: strict
        ),
        .target(
            name: "Configuration",
            dependencies: ["Admission", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict
        ),
        // The include files for nginx, embedded so that the program can render them.
        .target(
            name: "NginxFiles",
            path: "nginx",
            exclude: ["README.md"],
            resources: nginxFiles.map { .embedInCode($0) },
            swiftSettings: strict
        ),
        // The load generator: what it does is a library so that tests can see it.
        .target(
            name: "Load",
            dependencies: [
                "CLinux", "COpenSSL", "Reactor", "StrictJSON",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: strict
        ),
        // The whole queue in virtual time: real rules and real workers, a simulated network, and those who watch.
        .target(
            name: "Simulation",
            dependencies: ["Admission", "Configuration", "GatewayWire", "Passes", "StrictJSON", "WaitingRoomAPI"],
            resources: scenarios,
            swiftSettings: strict
        ),
        // Wiring and commands.
        .executableTarget(
            name: "vestibule",
            dependencies: [
                "Admission", "CLinux", "Configuration", "Gateway", "GatewayWire", "NginxFiles", "Passes", "Processes",
                "Reactor", "RedisQueue", "Simulation", "StrictJSON", "Telemetry", "WaitingRoomAPI", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "vestibule-load",
            dependencies: [
                "Load", "Processes", "Reactor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // Tests: first what starts real servers for them.
        .target(
            name: "TestSupport",
            dependencies: ["Passes", "Processes", "StrictJSON"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .testTarget(name: "AdmissionTests", dependencies: ["Admission", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "EstimateTests", dependencies: ["Simulation"], swiftSettings: strict),
        .testTarget(
            name: "QueueStoreTests",
            dependencies: ["Admission", "Reactor", "RedisQueue", "Simulation", "TestSupport", "WaitingRoomAPI"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Admission", "Configuration", "Processes", "Simulation", "TestSupport", "vestibule"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LoadTests",
            dependencies: ["Load", "StrictJSON", "TestSupport", "vestibule", "vestibule-load"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "poll-cost",
            dependencies: [
                "Admission", "Gateway", "GatewayWire", "Passes", "Reactor", "Simulation", "WaitingRoomAPI",
            ],
            path: "Tests/PollCost",
            exclude: ["instructions.txt"],
            swiftSettings: strict
        ),
        .testTarget(name: "PollCostTests", dependencies: ["TestSupport", "poll-cost"], swiftSettings: strict),
        .executableTarget(
            name: "vestibule-fuzz",
            dependencies: [
                "Admission", "Gateway", "GatewayWire", "Passes", "Reactor", "Simulation", "StrictJSON", "TestSupport",
                "WaitingRoomAPI",
            ],
            path: "Tests/Fuzz",
            swiftSettings: strict
        ),
        .testTarget(name: "FuzzTests", dependencies: ["TestSupport", "vestibule-fuzz"], swiftSettings: strict),
        .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON"], swiftSettings: strict),
        .testTarget(name: "PassesTests", dependencies: ["Passes"], swiftSettings: strict),
        .testTarget(
            name: "NginxTests",
            dependencies: ["NginxFiles", "Passes", "TestSupport"],
            exclude: ["worker.py"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["Passes", "Processes", "StrictJSON", "TestSupport", "vestibule-fuzz"],
            swiftSettings: strict
        ),
        .testTarget(name: "BrowserTests", dependencies: ["StrictJSON", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "GatewayWireTests", dependencies: ["GatewayWire", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "ReactorTests", dependencies: ["Reactor"], swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: ["Gateway", "GatewayWire", "Reactor"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WaitingRoomAPITests",
            dependencies: [
                "Admission", "GatewayWire", "Passes", "Simulation", "StrictJSON", "Telemetry", "TestSupport",
                "WaitingRoomAPI",
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "ConfigurationTests", dependencies: ["Admission", "Configuration"], swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: ["StrictJSON", "Telemetry", "TestSupport", logging],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RedisQueueTests",
            dependencies: ["Admission", "Reactor", "RedisQueue", "TestSupport", "WaitingRoomAPI"],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
