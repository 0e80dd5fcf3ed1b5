// SPDX-License-Identifier: Apache-2.0
//
// Routing, the shape of errors, JSON escaping, the service endpoints, and what is never logged.

import Admission
import GatewayWire
import Passes
import StrictJSON
import Telemetry
import TestSupport
import Testing
import WaitingRoomAPI

struct RouteTests {
    @Test(
        "A method an address does not take is 405 and names the methods it takes",
        arguments: [
            ("POST", "status", "GET"), ("HEAD", "status", "GET"), ("get", "status", "GET"), ("GET", "join", "POST"),
            ("PUT", "join", "POST"), ("GET", "enter", "POST"), ("DELETE", "enter", "POST"),
            ("GET", "leave", "POST, DELETE"), ("POST", "board", "GET"), ("", "board", "GET"),
        ]
    )
    func methods(_ method: String, _ name: String, _ allow: String) throws {
        let answer = try WaitingRoomBench().send(Call(method, "/api/v1/queue/\(name)"))
        #expect(try answer.status == 405 && answer.errorCode == "METHOD_NOT_ALLOWED")
        #expect(answer["Allow"] == allow)
    }

    @Test(
        "An address nobody serves is 404",
        arguments: [
            "", "/", "/api/v1/queue", "/api/v1/queue/", "/api/v1/queue/joins", "/api/v1/queue/join/",
            "/api/v1/queue/Join", "/API/v1/queue/join", "/api/v2/queue/join", "/healthz/", "/metricsx",
        ]
    )
    func nowhere(_ path: String) throws {
        let answer = try WaitingRoomBench().send(Call("GET", path))
        #expect(try answer.status == 404 && answer.errorCode == "NOT_FOUND")
    }

    @Test("An operation nginx does not know is 404", arguments: ["gates", "Gate", "verif", "join"])
    func operations(_ operation: String) throws {
        let answer = try WaitingRoomBench().send(Call("GET", "/", [(.operation, operation), (.room, "demo")]))
        #expect(answer.status == 404)
    }

    @Test("An error names its code, a sentence and nginx's request id, whatever bytes that has")
    func errorShape() throws {
        let odd = "a\"b\\c\u{1}\u{1f}\n\t/é한"
        let answer = try WaitingRoomBench().send(Call("GET", "/nowhere", [(.requestID, odd)]))
        let error = try #require(try answer.json["error"]?.objectValue)
        #expect(error.map(\.name) == ["code", "message", "trace_id"])
        #expect(try answer.json["error"]?["trace_id"] == .string(odd))
        #expect(answer.text.contains(#"a\"b\\c\u0001\u001f\u000a\u0009/é한"#))
        #expect(answer["Cache-Control"] == "no-store")
        #expect(answer["Content-Type"] == "application/json")

        let long = String(repeating: "x", count: 500)
        let cut = try WaitingRoomBench().send(Call("GET", "/nowhere", [(.requestID, long)]))
        #expect(try cut.json["error"]?["trace_id"]?.stringValue?.utf8.count == 64)
    }

    @Test("A body that is not UTF-8 or has control characters is 400 with a JSON answer")
    func rawBytes() throws {
        let bench = try WaitingRoomBench()
        for bytes: [UInt8] in [[0xff, 0xfe], Array("{\"event_id\":\"de\nmo\"}".utf8), [0x7b, 0x22, 0xc3, 0x28, 0x22]] {
            var call = Call("POST", "/api/v1/queue/join")
            call.body = bytes
            let answer = try bench.send(call)
            #expect(try answer.status == 400 && answer.errorCode == "MALFORMED")
        }
    }
}

struct ServiceTests {
    @Test("The worker is healthy at once, ready from the first tick, and stays ready when the store is away")
    func readiness() throws {
        let bench = try WaitingRoomBench()
        #expect(try bench.send(Call("GET", "/healthz")).string("status") == "ok")
        bench.fail(.unavailable("starting"))
        bench.tick()
        let starting = try bench.send(Call("GET", "/readyz"))
        #expect(try starting.status == 503 && starting.string("status") == "starting")
        bench.fail(nil)
        bench.tick()
        let ready = try bench.send(Call("GET", "/readyz"))
        #expect(try ready.status == 200 && ready.string("status") == "ready")
        #expect(try ready.json["degraded"] == .bool(false))
        bench.fail(.unavailable("gone"))
        bench.run(4000)
        let blink = try bench.send(Call("GET", "/readyz"))
        #expect(blink.status == 200)
        #expect(try blink.json["degraded"] == .bool(true))
        #expect(try bench.send(Call("GET", "/healthz")).status == 200)
    }

    @Test("Metrics count what happened and show each room")
    func metrics() throws {
        let directory = try TemporaryDirectory()
        let scoreboard = try #require(Scoreboard(path: directory.file("scoreboard"), row: 3))
        let bench = try WaitingRoomBench(rooms: ["other"], scoreboard: scoreboard)
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.run(200)
        _ = try bench.status(token)
        _ = try bench.status("noise")
        _ = try bench.enter(token)
        _ = try bench.leave(token)
        _ = try bench.send(Call("GET", "/nowhere"))
        _ = try bench.send(Call("GET", "/api/v1/queue/board?event_id=demo"))
        bench.run(200)
        let answer = try bench.send(Call("GET", "/metrics"))
        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = Set(answer.text.split(separator: "\n").map { String($0) })
        for line in [
            #"vestibule_joins_total{outcome="admitted"} 1"#, #"vestibule_joins_total{outcome="waiting"} 1"#,
            #"vestibule_polls_total{kind="all"} 1"#, #"vestibule_enters_total{outcome="refused"} 1"#,
            "vestibule_leaves_total 1", "vestibule_tickets_rejected_total 1", "vestibule_requests_malformed_total 2",
            "vestibule_boards_total 1", #"vestibule_room_waiting{room="demo"} 0"#,
            #"vestibule_room_waiting{room="other"} 0"#, #"vestibule_room_active{room="demo"} 1"#,
            #"vestibule_room_joined{room="demo"} 2"#, #"vestibule_room_entered{room="demo"} 1"#,
            #"vestibule_room_left{room="demo"} 1"#, #"vestibule_room_mirror_age_seconds{room="demo"} 0"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        let form = /(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"\\\n]*"\})? -?[0-9.e+-]+)/
        for line in lines { #expect(line.wholeMatch(of: form) != nil, "\(line)") }
    }
}

struct SecrecyTests {
    @Test("No log line holds a ticket or a pass, whatever goes wrong")
    func nothingSecretIsLogged() throws {
        let bench = try WaitingRoomBench()
        let admitted = try bench.join()
        var secrets = [try #require(try admitted.string("waiting_token")), try #require(try admitted.string("pass"))]
        let token = try bench.waitingTicket()
        secrets.append(token)
        for failure in [StoreFailure.unavailable("gone"), .refused("WRONGTYPE some script error")] {
            bench.fail(failure)
            bench.run(200)
            _ = try bench.join([(.idempotencyKey, "0123456789abcdef")])
            _ = try bench.status(token)
            _ = try bench.status(secrets[0])
            _ = try bench.status(token + "x")
            _ = try bench.enter(token)
            _ = try bench.leave(token)
            _ = try bench.send(Call("GET", "/shop?token=\(token)", [(.operation, "gate"), (.room, "demo")]))
            bench.fail(nil)
        }
        // One line for each reason and second (LogPacer).
        #expect(bench.logLines.count >= 2)
        for line in bench.logLines {
            #expect(line.contains("WRONGTYPE"))
            for secret in secrets {
                #expect(!line.contains(secret) && !line.contains(secret.suffix(20)))
            }
        }
    }
}
