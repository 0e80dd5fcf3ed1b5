// SPDX-License-Identifier: Apache-2.0
//
// Fuzzing with a seed: as many inputs as asked for through each target, and their properties checked. It ends with
// status 1 and the input when one is broken; a crash or a hang names the target, the seed and the index first.
//
//     vestibule-fuzz [--inputs N] [--seed S] [--target NAME] [--start INDEX]
//     vestibule-fuzz --sockets DIR --pid PID [--requests N] [--seed S]    real sockets of a worker (Soak.swift)
//
// A target with a memory (libfcgi, request) depends on the inputs before: repeat it from --start 0.

import Glibc

/// Inputs of each 1,000 that go to a target; dear ones get fewer.
let shares = [
    "guard": 200, "scgi": 160, "libfcgi": 50, "ticket": 100, "pass": 100, "cookie": 90, "json": 100, "request": 100,
    "enqueue": 50, "proof": 50,
]
let order = ["guard", "scgi", "libfcgi", "ticket", "pass", "cookie", "json", "request", "enqueue", "proof"]

func target(_ name: String) throws -> any FuzzTarget {
    switch name {
    case "guard": FastCGIGuardTarget()
    case "scgi": SCGIDecoderTarget()
    case "libfcgi": try LibraryTarget()
    case "ticket": try TicketTarget(rings: Rings())
    case "pass": try PassTarget(rings: Rings())
    case "cookie": CookieTarget()
    case "json": JSONTarget()
    case "enqueue": try EnqueueTarget(rings: Rings())
    case "proof": try ProofTarget(rings: Rings())
    default: try RequestTarget(Rings())
    }
}

func option(_ name: String) -> String? {
    guard let at = CommandLine.arguments.firstIndex(of: name), at + 1 < CommandLine.arguments.count else { return nil }
    return CommandLine.arguments[at + 1]
}

func seconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

func fuzz(_ name: String, inputs: Int, seed: UInt64, from start: Int) throws {
    var subject = try target(name)
    let number = order.firstIndex(of: name) ?? 0
    let began = seconds()
    var early = 0
    for index in start..<(start + inputs) {
        if index % 1000 == 0 { LastWords.note(name, seed, index) }
        var chance = Chance(seed: seed, target: number, index: index)
        do {
            try subject.run(&chance)
        } catch let finding as Finding {
            let bytes = finding.input.map { String($0, radix: 16) }.joined(separator: " ")
            print("FOUND by \(name), seed \(seed), index \(index): \(finding.text)\ninput: \(bytes)")
            exit(1)
        }
        if index == start + inputs / 5 { early = ResidentMemory.kibibytes(pid: getpid()) }
    }
    let late = ResidentMemory.kibibytes(pid: getpid())
    let deep = subject.deepInputs
    print(
        "\(name): \(inputs) inputs in \(Int((seconds() - began) * 1000)) ms, \(deep) got past the first check, "
            + "resident \(early) then \(late) KiB"
    )
    fflush(nil)
    guard deep * 20 > inputs else {
        print("FOUND by \(name): the inputs are too shallow")
        exit(1)
    }
    guard ResidentMemory.isSteady(from: early, to: late) else {
        print("FOUND by \(name): memory grew from \(early) to \(late) KiB")
        exit(1)
    }
}

let seed = option("--seed").flatMap { UInt64($0) } ?? 1
if let directory = option("--sockets") {
    guard let pid = option("--pid").flatMap({ Int32($0) }) else {
        print("--pid is needed")
        exit(2)
    }
    let soak = Soak(directory: directory, pid: pid, seed: seed)
    exit(soak.run(requests: option("--requests").flatMap { Int($0) } ?? 20_000) ? 0 : 1)
}
LastWords.install()
let inputs = option("--inputs").flatMap { Int($0) } ?? 200_000
for name in order where option("--target").map({ $0 == name }) ?? true {
    let share = option("--target") == nil ? inputs * (shares[name] ?? 0) / 1000 : inputs
    try fuzz(name, inputs: share, seed: seed, from: option("--start").flatMap { Int($0) } ?? 0)
}
print("\(inputs) inputs, seed \(seed): nothing found")
