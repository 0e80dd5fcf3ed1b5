// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// The layers of the source, in the order of their dependencies: a target may use targets of its own layer and of those
// above it. Sources/README.md describes what each layer is for.

import PackageDescription

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// A C library as Debian ships it, or the few system calls that Swift cannot import.
func cLibrary(_ name: String, apt package: String? = nil) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", providers: package.map { [.apt([$0])] })
}

func library(
    _ layer: String,
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    embed files: [String] = []
) -> Target {
    let resources = files.map { Resource.embedInCode($0) }
    return .target(name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)", resources: resources)
}

func program(
    _ layer: String,
    _ name: String,
    _ dependencies: [Target.Dependency],
    in folder: String = "Sources",
    exclude: [String] = []
) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "\(folder)/\(layer)/\(name)", exclude: exclude)
}

/// Every test target may use TestSupport.
func tests(
    _ layer: String,
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    exclude: [String] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["TestSupport"],
        path: "Tests/\(layer)/\(name)",
        exclude: exclude
    )
}

let scripts = [
    "protocol", "constants", "prelude", "standing", "join", "visit", "tick", "restore", "configure", "reset",
    "index", "news", "rooms", "draw", "brought",
]
.map { "Lua/\($0).lua" }

let scenarios = [
    "calm", "leavers", "sleepers", "scripts", "hidden", "decliners", "faults", "upheaval", "operator",
    "rooms", "million",
]
.map { "Scenarios/\($0).yaml" }

let nginxTestFiles = ["accept.txt", "directives.py", "harmless.txt", "worker.py"]
let nginxFiles = [
    "vestibule-http.conf", "vestibule-http-lua.conf", "vestibule-http-auth-request.conf",
    "vestibule-http-common.conf", "vestibule-server.conf", "vestibule-server-auth-request.conf",
    "vestibule-fastcgi-params.conf", "vestibule-scgi-params.conf", "vestibule-guard.conf", "vestibule-headers.conf",
    "vestibule-spellings.conf", "vestibule-visitor-params.conf",
    "vestibule-isolate.conf", "vestibule-isolate-answers.conf", "vestibule-check.conf",
    "vestibule-protect.conf", "vestibule-protect-auth-request.conf", "vestibule.js", "vestibule.lua",
    "vestibule-client.js", "vestibule-client.d.ts",
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
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        cLibrary("CHiredis", apt: "libhiredis-dev"),
        cLibrary("CFastCGI", apt: "libfcgi-dev"),
        cLibrary("COpenSSL", apt: "libssl-dev"),
        cLibrary("CZlib", apt: "zlib1g-dev"),
        cLibrary("CLinux"),

        // Rules: decisions and formats. No input or output, no clock, no chance.
        library("Rules", "Admission", embed: ["Learned/eta-gru.txt"]),
        library("Rules", "Chance"),
        library("Rules", "StrictJSON"),
        library("Rules", "Passes", ["StrictJSON", crypto]),
        library("Rules", "Fairness", ["Admission", crypto]),

        // Host: the operating system. Knows no queue.
        library("Host", "Reactor", ["CLinux"]),
        library("Host", "Telemetry", ["StrictJSON", logging]),

        // Gateway: from nginx's socket to a request, and from a response back.
        library("Gateway", "GatewayWire"),
        library("Gateway", "Gateway", ["CFastCGI", "CLinux", "GatewayWire", "Reactor"]),

        // Queue: batches, scripts and restores (QueueClient), and below them the connections to Redis.
        library("Queue", "QueueClient", ["Admission", crypto], embed: scripts),
        library("Queue", "RedisQueue", ["CHiredis", "QueueClient", "Reactor"]),

        // Room: what a request means, answered from the mirror or by asking the store.
        library(
            "Room",
            "WaitingRoomAPI",
            [
                "Admission", "CZlib", "Fairness", "GatewayWire", "Passes", "StrictJSON", "Telemetry", crypto,
                mustache,
            ],
            embed: ["waiting.html", "waiting.css", "own.css"].map { "Page/\($0)" }
                + ["start", "client", "view", "board", "proof", "own", "journey"].map { "Page/\($0).js" }
        ),

        // The include files for nginx, embedded so that the program can render them. Embedded files must lie in the
        // folder of their target, so this folder holds a little Swift.
        .target(
            name: "NginxFiles",
            path: "nginx",
            exclude: ["README.md"],
            resources: nginxFiles.map { .embedInCode($0) }
        ),

        // Tools that the program also offers as commands: the queue in virtual time.
        library("Program", "Configuration", ["Admission", "NginxFiles", "Yams"]),
        library(
            "Tools",
            "Simulation",
            [
                "Admission", "Chance", "Configuration", "GatewayWire", "Passes", "QueueClient", "StrictJSON",
                "WaitingRoomAPI",
            ],
            embed: scenarios
        ),

        // The reader of nginx's configuration, and what it looks for: ways around the waiting room.
        library("Program", "NginxCheck", ["NginxFiles"]),

        // Program: wiring and commands.
        program(
            "Program",
            "vestibule",
            [
                "Admission", "CLinux", "Chance", "Configuration", "Fairness", "Gateway", "GatewayWire", "NginxCheck",
                "NginxFiles",
                "Passes", "QueueClient", "Reactor", "RedisQueue", "Simulation", "StrictJSON", "Telemetry",
                "WaitingRoomAPI",
                logging, argumentParser,
            ]
        ),

        // Tools: the load generator and the fuzzer.
        library(
            "Tools",
            "Load",
            ["Admission", "Chance", "CLinux", "COpenSSL", "Passes", "Reactor", "StrictJSON", histogram]
        ),
        program("Tools", "vestibule-load", ["Load", "Reactor", argumentParser]),
        program(
            "Tools",
            "vestibule-fuzz",
            [
                "Admission", "Gateway", "GatewayWire", "Passes", "Reactor", "Simulation", "StrictJSON", "TestSupport",
                "WaitingRoomAPI",
            ]
        ),

        // Tests, in the same layers.
        .target(
            name: "TestSupport",
            dependencies: ["Chance", "Passes", "Reactor", "StrictJSON"],
            path: "Tests/TestSupport"
        ),
        tests("Rules", "AdmissionTests", ["Admission", "Simulation"]),
        tests("Rules", "PassesTests", ["Passes", "StrictJSON"]),
        tests("Rules", "FairnessTests", ["Chance", "Fairness"], exclude: ["draw.py"]),
        tests("Host", "HostTests", ["Reactor", "StrictJSON", "Telemetry", logging]),
        tests("Gateway", "GatewayTests", ["Gateway", "GatewayWire", "Reactor"]),
        tests(
            "Room",
            "WaitingRoomAPITests",
            [
                "Admission", "CZlib", "GatewayWire", "Passes", "Simulation", "StrictJSON", "Telemetry",
                "WaitingRoomAPI", crypto,
            ]
        ),
        tests(
            "Queue",
            "QueueStoreTests",
            ["Admission", "Fairness", "QueueClient", "Reactor", "RedisQueue", "Simulation", "WaitingRoomAPI"]
        ),
        tests("Queue", "RedisQueueTests", ["Admission", "QueueClient", "Reactor", "RedisQueue", "WaitingRoomAPI"]),
        tests("Program", "ConfigurationTests", ["Admission", "Configuration", "NginxFiles"]),
        tests("Program", "NginxTests", ["NginxFiles", "Passes", "vestibule"], exclude: nginxTestFiles),
        tests(
            "Program",
            "NginxCheckTests",
            ["NginxCheck", "NginxFiles", "vestibule"],
            exclude: ["expected.txt", "hard.conf", "read_with_crossplane.py"]
        ),
        tests("Sites", "SitesTests", ["NginxFiles", "Passes", "vestibule"]),
        tests("Program", "IntegrationTests", ["Load", "Passes", "Reactor", "StrictJSON", "vestibule-fuzz"]),
        tests("Program", "BrowserTests", ["StrictJSON"]),
        tests("Tools", "SimulationTests", ["Admission", "Configuration", "Simulation", "vestibule"]),
        tests("Tools", "LoadTests", ["Load", "StrictJSON", "vestibule", "vestibule-load"]),
        tests("Tools", "FuzzTests", ["vestibule-fuzz"]),
        program(
            "Tools",
            "poll-cost",
            [
                "Admission", "Gateway", "GatewayWire", "Passes", "Reactor", "Simulation", "TestSupport",
                "WaitingRoomAPI",
            ],
            in: "Tests",
            exclude: ["instructions.txt"]
        ),
        tests("Tools", "PollCostTests", ["poll-cost"]),
        .testTarget(name: "TidyTests", exclude: ["unclear-phrases.txt"]),
    ]
)

/// Every target builds with these. A new warning is a broken build.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]
for target in package.targets where target.type != .system { target.swiftSettings = strict }
