// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the whole product share. All of them run one after the other: they measure times, and every stack
// has its own nginx, Redis and workers.

import Foundation
import Passes
import StrictJSON
import TestSupport
import Testing

/// The parent of all suites; `.serialized` holds for everything in it.
@Suite(.serialized)
enum Integration {}

/// Kept beside the test results (`swift test --attachments-path DIR`), so that measured figures can be looked at.
func recordFigures(_ text: String, _ name: String) {
    Attachment.record(text, named: "\(name).txt")
}

/// Milliseconds of the wall clock, which Redis TIME reads as well.
func wallMilliseconds() -> Int { Int(Date().timeIntervalSince1970 * 1000) }

func sleepMilliseconds(_ milliseconds: Int) { usleep(UInt32(milliseconds) * 1000) }

/// The value below which a share of the samples lies; 0 when there is none.
func quantile(_ share: Double, of samples: [Int]) -> Int {
    let sorted = samples.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}

extension HTTPClient {
    func join(_ room: String = "demo", key: String? = nil) throws -> HTTPAnswer {
        try postJSON(
            "/api/v1/queue/join",
            #"{"event_id":"\#(room)"}"#,
            key.map { [("Idempotency-Key", $0)] } ?? []
        )
    }

    func postJSON(_ path: String, _ body: String, _ headers: [(String, String)]) throws -> HTTPAnswer {
        try send("POST", path, headers: [("Content-Type", "application/json")] + headers, body: body)
    }

    func status(_ ticket: String) throws -> HTTPAnswer { try get("/api/v1/queue/status?token=\(ticket)") }

    func enter(_ ticket: String) throws -> HTTPAnswer {
        try postJSON("/api/v1/queue/enter", #"{"waiting_token":"\#(ticket)"}"#)
    }

    func leave(_ ticket: String) throws -> HTTPAnswer { try send("DELETE", "/api/v1/queue/leave?token=\(ticket)") }

    /// Waits until every worker has had a tick from now on: its mirror then holds all joins so far. nginx spreads
    /// requests, so eight answers in a row come from all of few workers.
    func untilMirrored(_ ticket: String) throws {
        let now = wallMilliseconds()
        var inARow = 0
        let isMirrored = try Wait.until(seconds: 3) {
            let asOf = try status(ticket).json["as_of_ms"]?.integerValue ?? 0
            inARow = asOf > now ? inARow + 1 : 0
            return inARow == 8
        }
        if !isMirrored { throw TestFailure("no worker had a tick within three seconds") }
    }
}

extension HTTPAnswer {
    var ticket: String { json["waiting_token"]?.stringValue ?? "" }
    var pass: String { json["pass"]?.stringValue ?? "" }
    var word: String { json["status"]?.stringValue ?? "" }
    var position: Int { json["position"]?.integerValue.map { Int($0) } ?? -1 }
    var pollAfterMilliseconds: Int { json["poll_after_ms"]?.integerValue.map { Int($0) } ?? 1000 }
}

extension DemoStack {
    /// The keys this demo signs with.
    func keyRing() throws -> KeyRing { try KeyRing(jwkSet: Array(directory.read("keys.json").utf8)) }

    /// As ``processID(_:)``; fails the test and names no process when there is no such line.
    func pid(_ name: String) -> Int32 {
        let pid = try? processID(name)
        #expect(pid != nil, "pids.json names no \(name)")
        return pid ?? .max
    }

    var workerPids: [Int32] { (pids["workers"]?.arrayValue ?? []).compactMap { $0.integerValue.map { Int32($0) } } }

    func stateField(_ field: String, room: String = "demo") throws -> Int {
        Int(try redis("HGET", "vq:{\(room)}:state", field)) ?? -1
    }

    /// Members and scores of a sorted set of room demo.
    func scores(_ name: String) throws -> [(number: Int, score: Int)] {
        let lines = try redis("ZRANGE", "vq:{demo}:\(name)", "0", "-1", "WITHSCORES").split(separator: "\n")
        return stride(from: 0, to: lines.count - 1, by: 2).map { (Int(lines[$0]) ?? -1, Int(lines[$0 + 1]) ?? -1) }
    }

    /// Entries by second.
    func flow() throws -> [Int: Int] {
        let lines = try redis("HGETALL", "vq:{demo}:flow").split(separator: "\n")
        return stride(from: 0, to: lines.count - 1, by: 2).reduce(into: [:]) {
            $0[Int(lines[$1]) ?? -1] = Int(lines[$1 + 1])
        }
    }
}

extension KeyRing {
    /// What a ticket says; fails the test when it is not one of ours.
    func open(_ ticket: String) throws -> Ticket {
        guard case .valid(let value) = verifyTicket(Array(ticket.utf8)) else {
            throw TestFailure("not a ticket of this waiting room: \(ticket)")
        }
        return value
    }

    func number(_ ticket: String) throws -> Int { Int(try open(ticket).number) }
}
