// SPDX-License-Identifier: Apache-2.0
//
// Sends valid, invalid and half requests in turn to the real sockets of a running worker, for long. The worker must
// live, answer every valid request, close all others, and not grow. It uses sockets and GatewayWire, and nothing of the
// server.

import GatewayWire
import Glibc
import TestSupport

final class Soak {
    private static let parkedMax = 256
    /// Longer than any deadline of the worker.
    private static let timeoutSeconds = 20
    private let paths: (fastCGI: String, scgi: String)
    private let pid: pid_t
    private let seed: UInt64
    private var kept: TestSocket?
    private var parked: [TestSocket] = []
    private var tickets: [String] = []
    private var counts = (valid: 0, invalid: 0, half: 0)
    private var slowestMicroseconds = 0

    private struct Failure: Error {
        let text: String
    }

    init(directory: String, pid: pid_t, seed: UInt64) {
        paths = ("\(directory)/worker-0.fcgi.sock", "\(directory)/worker-0.scgi.sock")
        self.pid = pid
        self.seed = seed
    }

    /// Whether the worker stood it.
    func run(requests: Int) -> Bool {
        // The first requests fill caches, tables and the allocator's pools.
        let warm = min(100_000, requests / 2)
        let began = seconds()
        var early = 0
        do {
            for index in 0..<requests {
                var chance = Chance(seed: seed, target: 99, index: index)
                try one(&chance)
                if index == warm { early = ResidentMemory.kibibytes(pid: pid) }
                if index % 50_000 == 0 {
                    print("\(index): resident \(ResidentMemory.kibibytes(pid: pid)) KiB")
                    fflush(nil)
                }
            }
            parked = []
            try valid("/healthz")
        } catch let failure as Failure {
            print("FOUND, seed \(seed): \(failure.text)")
            return false
        } catch {
            print("FOUND, seed \(seed): \(error)")
            return false
        }
        let late = ResidentMemory.kibibytes(pid: pid)
        print(
            "\(requests) requests in \(Int(seconds() - began)) s: \(counts.valid) valid, \(counts.invalid) invalid, "
                + "\(counts.half) half; slowest valid answer \(slowestMicroseconds) us; resident memory after "
                + "\(warm) requests \(early) KiB, at the end \(late) KiB"
        )
        return late > 0 && ResidentMemory.isSteady(from: early, to: late)
    }

    private func one(_ chance: inout Chance) throws {
        switch chance.below(20) {
        case 0...8: try someValid(&chance)
        case 9...11:
            counts.valid += 1
            let peer = try connect(paths.scgi)
            peer.send(SCGIForm.bytes(poll(&chance)))
            guard try readToEnd(peer).starts(with: "Status: ".utf8) else {
                throw Failure(text: "SCGI without an answer")
            }
        case 12...14: try invalid(paths.fastCGI, FastCGIGuardTarget.input(&chance))
        case 15...16: try invalid(paths.scgi, SCGIDecoderTarget.input(&chance))
        default: try half(&chance)
        }
    }

    // MARK: - Kinds of requests

    private func request(_ method: String, _ path: String, query: String = "", body: String = "") -> PlainRequest {
        let parameters = [
            ("REQUEST_METHOD", method), ("DOCUMENT_URI", path), ("QUERY_STRING", query), ("REQUEST_SCHEME", "http"),
            ("REQUEST_ID", "6e0c6cb9ee8fb6d1cc2b4a1bb4bb3f0c"),
        ]
        return PlainRequest(parameters: parameters.map { (Array($0.0.utf8), Array($0.1.utf8)) }, body: Array(body.utf8))
    }

    private func poll(_ chance: inout Chance) -> PlainRequest {
        let token = tickets.isEmpty ? "none" : chance.pick(tickets)
        return request("GET", "/api/v1/queue/status", query: "token=\(token)")
    }

    private func someValid(_ chance: inout Chance) throws {
        switch chance.below(40) {
        case 0, 1:
            let key = chance.oneIn(2) ? "" : "x"
            let answer = try ask(
                request("POST", "/api/v1/queue/join", body: #"{"event_id":"demo","user_id":"\#(key)"}"#)
            )
            if let ticket = answer.firstRange(of: "waiting_token\":\"").map({ answer[$0.upperBound...] }) {
                let text = String(ticket.prefix { $0 != "\"" })
                if tickets.count < 1000 { tickets.append(text) } else { tickets[chance.below(1000)] = text }
            }
        case 2: try valid("/healthz")
        case 3: try valid("/metrics")
        case 4: _ = try ask(request("GET", "/api/v1/queue/board", query: "event_id=demo"))
        case 5: _ = try ask(request("GET", "/nowhere"))
        default: _ = try ask(poll(&chance))
        }
    }

    private func valid(_ path: String) throws {
        let answer = try ask(request("GET", path))
        guard answer.hasPrefix("Status: 200 ") else { throw Failure(text: "\(path): \(answer.prefix(200))") }
    }

    /// Bytes that need not be a request: answered or closed, never silence.
    private func invalid(_ path: String, _ bytes: [UInt8]) throws {
        counts.invalid += 1
        let peer = try connect(path)
        peer.send(bytes)
        shutdown(peer.descriptor, Int32(SHUT_WR))
        _ = try readToEnd(peer)
    }

    /// The beginning of a request, which stays open; now and then one more byte for an earlier one.
    private func half(_ chance: inout Chance) throws {
        counts.half += 1
        let isFastCGI = chance.oneIn(2)
        let plain = poll(&chance)
        let whole = isFastCGI ? FastCGIForm.bytes(plain, &chance) : SCGIForm.bytes(plain)
        let peer = try connect(isFastCGI ? paths.fastCGI : paths.scgi)
        peer.send(Array(whole.prefix(chance.below(whole.count))))
        if parked.count < Soak.parkedMax { parked.append(peer) } else { parked[chance.below(parked.count)] = peer }
        chance.pick(parked).send([1])
    }

    private func connect(_ path: String) throws -> TestSocket {
        try TestSocket(path: path, timeoutSeconds: Soak.timeoutSeconds)
    }

    // MARK: - Answers

    /// The answer to a request on the kept connection, as text.
    private func ask(_ request: PlainRequest) throws -> String {
        counts.valid += 1
        let began = seconds()
        let peer = try kept ?? connect(paths.fastCGI)
        kept = peer
        var chance = Chance(seed: seed, target: 98, index: counts.valid)
        guard peer.send(FastCGIForm.bytes(request, &chance)) else {
            throw Failure(text: "the kept connection is closed")
        }
        var output: [UInt8] = []
        var pending: [UInt8] = []
        while true {
            guard let bytes = peer.receive(), !bytes.isEmpty else {
                throw Failure(text: "a valid request got no answer: errno \(errno)")
            }
            pending += bytes
            while pending.count >= 8 {
                let content = Int(pending[4]) << 8 | Int(pending[5])
                let size = 8 + content + Int(pending[6])
                guard pending.count >= size else { break }
                if pending[1] == 6 { output += pending[8..<(8 + content)] }
                if pending[1] == 3 {
                    slowestMicroseconds = max(slowestMicroseconds, Int((seconds() - began) * 1e6))
                    guard output.starts(with: "Status: ".utf8), !output.starts(with: "Status: 500".utf8) else {
                        throw Failure(text: "answer \(output.text.prefix(300))")
                    }
                    return output.text
                }
                pending.removeFirst(size)
            }
        }
    }

    private func readToEnd(_ peer: TestSocket) throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            guard let bytes = peer.receive() else { throw Failure(text: "neither answered nor closed in 20 s") }
            if bytes.isEmpty { return all }
            all += bytes
        }
    }
}
