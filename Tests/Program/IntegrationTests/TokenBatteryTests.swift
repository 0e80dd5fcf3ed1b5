// SPDX-License-Identifier: Apache-2.0
//
// Goal: of all tokens near a genuine one, the genuine one alone is taken. Every bit of every character is flipped, and
// the token is cut and extended, through nginx with each of its verifiers and through the API.

import Foundation
import Passes
import TestSupport
import Testing

extension Integration {
    @Suite struct TokenBatteryTests {
        /// Every single bit flipped; without what HTTP does not carry in a header when `inHeader`.
        private func neighbours(_ token: String, inHeader: Bool) -> [[UInt8]] {
            let bytes = Array(token.utf8)
            var all: [[UInt8]] = []
            for index in bytes.indices {
                for bit in 0..<8 {
                    var changed = bytes
                    changed[index] ^= 1 << UInt8(bit)
                    if !inHeader || (changed[index] >= 0x20 && changed[index] != 0x7f) { all.append(changed) }
                }
                all.append(Array(bytes[..<index]))
            }
            for more in ["A", "=", ".", "-", " A", ",", "%00", "\u{e9}"] { all.append(bytes + Array(more.utf8)) }
            all += [bytes + bytes, Array(bytes.dropFirst()), Array(bytes.reversed())]
            return all
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a pass with any bit changed, cut or longer opens nothing`(verifier: String) throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}", options: ["--verifier", verifier])
            let client = stack.client()
            let pass = try client.join().pass
            let bad = neighbours(pass, inHeader: true)
            let requests = bad.enumerated().map { index, token in
                Array("GET /battery-\(index) HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nCookie: a=b; ".utf8)
                    + Array("vestibule-pass-demo=".utf8) + token + Array("; c=d\r\n\r\n".utf8)
            }
            let pipe = try PipelinedClient(port: stack.port)
            var wrong: [String] = []
            for start in stride(from: 0, to: requests.count, by: 50) {
                try pipe.exchange(Array(requests[start..<min(start + 50, requests.count)])) { index, status, _ in
                    if status != 503 {
                        wrong.append("\(status): \(String(decoding: bad[start + index], as: UTF8.self))")
                    }
                }
            }
            #expect(wrong.isEmpty, "\(wrong.prefix(5))")
            #expect(bad.count > 2000)
            let marker = try client.get("/marker", ("Cookie", "vestibule-pass-demo=\(pass)"))
            #expect(marker.text.contains("This is the backend"))
            let lines = try stack.backendLines()
            #expect(lines.contains { $0.contains("/marker") })
            #expect(lines.count == 1, "\(lines.prefix(3))")
        }

        @Test func `a ticket with any bit changed, cut or longer is no ticket, and costs its holder nothing`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}\n  other: {rate: 0.001, burst: 1}")
            let client = stack.client()
            let admitted = try client.join()
            let ticket = try client.join().ticket
            let bad = neighbours(ticket, inHeader: false).filter { !$0.isEmpty }
            func encoded(_ bytes: [UInt8]) -> String {
                bytes.map { "%" + String(Int($0) + 0x100, radix: 16).dropFirst() }.joined()
            }
            let pipe = try PipelinedClient(port: stack.port)
            var wrong: [String] = []
            for (method, call) in [("GET", "status"), ("DELETE", "leave"), ("POST", "enter")] {
                let requests = bad.map { token in
                    PipelinedClient.request(method, "/api/v1/queue/\(call)?token=\(encoded(token))", body: "{}")
                }
                for start in stride(from: 0, to: requests.count, by: 50) {
                    try pipe.exchange(Array(requests[start..<min(start + 50, requests.count)])) { index, status, _ in
                        if status != 400 && status != 401 {
                            wrong.append("\(call) \(status): \(String(decoding: bad[start + index], as: UTF8.self))")
                        }
                    }
                }
            }
            #expect(wrong.isEmpty, "\(wrong.prefix(5))")
            #expect(try client.status(encoded(Array(ticket.utf8))).position == 1, "nobody left in its name")

            // Genuine, but not for this: a pass as a ticket, another room, numbers nobody has.
            // (Another generation: ModeTests.)
            let ring = try stack.keyRing()
            let claims = try ring.open(ticket)
            func made(_ room: String, _ generation: Int64, _ number: Int64) -> String {
                let other = Ticket(
                    room: room,
                    generation: generation,
                    number: number,
                    issuedMilliseconds: claims.issuedMilliseconds
                )
                return String(decoding: ring.sign(other), as: UTF8.self)
            }
            #expect(try client.status(admitted.pass).status == 400)
            #expect(try client.enter(admitted.pass).status == 400)
            #expect(try client.status("\(made("other", claims.generation, claims.number))&event_id=demo").status == 409)
            #expect(try client.status(made("nowhere", 1, 1)).status == 404)
            let huge = try client.enter(made("demo", claims.generation, Ticket.integerMax))
            #expect(huge.pass.isEmpty && huge.status >= 400, "\(huge.status) \(huge.text)")

            // Of two cookies of one name the first counts, for nginx as for the worker.
            let cookies = "vestibule-ticket-demo=\(ticket); vestibule-ticket-demo=\(admitted.ticket)"
            let answer = try client.get("/api/v1/queue/status?event_id=demo", ("Cookie", cookies))
            #expect(answer.word == "waiting" && answer.position == 1)
        }
    }
}
