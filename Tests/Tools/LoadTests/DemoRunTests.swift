// SPDX-License-Identifier: Apache-2.0
//
// The program vestibule-load against the whole product: a small crowd is served completely, and nothing is reported
// that did not happen. A product that breaks its promise must be noticed, so the second run lies about the bound.

import StrictJSON
import TestSupport
import Testing

@Suite(.serialized) struct DemoRunTests {
    private func run(_ stack: DemoStack, _ options: [String]) throws -> (status: Int32, text: String, json: JSONValue) {
        let program = String(try Product.vestibule()) + "-load"
        let report = stack.directory.file("report.json")
        let (status, text) = try TestProcess.output(
            program,
            [
                "--pids", stack.directory.file("pids.json"),
                "--redis-socket", stack.redisSocket, "--json", report,
            ] + options
        )
        return (status, text, try JSONValue(parsing: Array(stack.directory.read("report.json").utf8)))
    }

    @Test func `two hundred visitors are all served without an error and within the bound`() throws {
        let stack = try DemoStack(rooms: "  demo: {rate: 50, burst: 10}")
        let (status, text, json) = try run(
            stack,
            [
                "--port", "\(stack.port)", "--visitors", "200", "--arrivals", "spike:1", "--duration", "30",
                "--poll-rate", "400", "--rate", "50",
                "--burst", "10",
            ]
        )
        #expect(status == 0, "\(text)")
        #expect(json["error_count"]?.integerValue == 0, "\(text)")
        #expect(json["clean"]?.boolValue == true, "\(text)")
        for member in ["joined", "admitted", "fetched"] {
            #expect(json["visitors_by_outcome"]?[member]?.integerValue == 200, "\(member): \(text)")
        }
        #expect(json["bound"]?["kept"]?.boolValue == true)
        #expect(json["order"]?["violations"]?.integerValue == 0)
        // What the report says is what the product saw.
        #expect(try stack.redis("HGET", "vq:{demo}:state", "entered") == "200")
        #expect(try stack.backendLines().count == 200)
        #expect(json["latency_us"]?["backend"]?["count"]?.integerValue == 200)
        for group in ["nginx", "workers", "redis", "backend", "generator"] {
            #expect(json["processes"]?[group]?["rss_bytes"]?.integerValue ?? 0 > 1_000_000, "\(group)")
        }
        #expect(text.contains("0 errors"))

        // The same over TLS.
        let (secure, secureText, secureJSON) = try run(
            stack,
            [
                "--visitors", "100", "--arrivals", "spike:1", "--duration", "30", "--poll-rate", "400", "--tls",
                "--port",
                "\(stack.tlsPort)",
            ]
        )
        #expect(secure == 0, "\(secureText)")
        #expect(secureJSON["visitors_by_outcome"]?["fetched"]?.integerValue == 100, "\(secureText)")

        // The same room seen by somebody who was promised less.
        let (broken, brokenText, brokenJSON) = try run(
            stack,
            [
                "--port", "\(stack.port)", "--visitors", "60", "--arrivals", "spike:0.5", "--duration", "20",
                "--poll-rate", "400", "--quiet",
                "--rate", "5", "--burst", "2",
            ]
        )
        #expect(broken == 3, "\(brokenText)")
        #expect(brokenJSON["bound"]?["kept"]?.boolValue == false)
        #expect(brokenText.contains("BROKEN"))
    }

    @Test func `a server that is not there is an error, and the run still ends in time`() throws {
        let port = try Loopback.freePort()
        let program = String(try Product.vestibule()) + "-load"
        let (status, text) = try TestProcess.output(
            program,
            [
                "--port", "\(port)", "--visitors", "10", "--arrivals", "spike:0.2", "--duration", "0.5",
                "--connections", "2", "--quiet",
            ]
        )
        #expect(status == 3)
        #expect(text.contains("connection refused"), "\(text)")
        #expect(text.contains("10 unsent"), "\(text)")
    }
}
