// SPDX-License-Identifier: Apache-2.0
//
// First contact with a protected page, and the verification of passes for nginx without njs or Lua.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import Telemetry
import TestSupport
import Testing
import WaitingRoomAPI

struct GateTests {
    @Test("Whoever finds room goes on in the same request, with ticket and pass")
    func admitted() throws {
        let bench = try WaitingRoomBench()
        let answer = try bench.gate()
        #expect(answer.status == 200)
        #expect(answer["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(answer["X-Vestibule-Room"] == "demo")
        #expect(answer["Content-Type"] == nil, "the page that follows has its own")
        #expect(answer["Cache-Control"] == "no-store")
        #expect(answer["X-Vestibule-Number"] == "5000")
        #expect(answer.cookies.count == 2)
        let pass = try #require(answer.cookie("vestibule-pass-demo"))
        #expect(answer["X-Vestibule-Pass"] == pass)
        let verdict = bench.keys.verifyPass(
            Array(pass.utf8),
            room: "demo",
            nowSeconds: Int64(bench.nowMilliseconds / 1000)
        )
        guard case .valid(let read) = verdict else { throw TestFailure("the pass does not verify: \(verdict)") }
        #expect(read.number == 5000)
        #expect(try bench.ticket(try #require(answer.cookie("vestibule-ticket-demo"))).number == 5000)
        let secure = try WaitingRoomBench().gate([(.scheme, "https")])
        #expect(secure.cookies.allSatisfy { $0.hasPrefix("__Host-") && $0.contains("; Secure") })
    }

    @Test("Everybody else gets the waiting page, takes no number, and has no cookie set")
    func held() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let before = bench.queue?.next
        for (language, expected) in [
            ("en", "You are in the queue"), ("ko-KR,ko;q=0.9", "대기 중입니다"), ("", "You are in the queue"),
        ] {
            let answer = try bench.gate([(.acceptLanguage, language), (.accept, "text/html,*/*")])
            #expect(answer.status == 503 && answer["Retry-After"] == "1")
            #expect(answer["X-Accel-Redirect"] == nil)
            #expect(answer["Content-Type"] == "text/html; charset=utf-8")
            #expect(answer["Cache-Control"] == "no-store")
            #expect(answer["Vary"] == "Accept-Encoding, Accept-Language, Cookie")
            #expect(answer.text.contains(expected))
            #expect(answer.text.contains(#"data-room="demo""#))
            #expect(!answer.text.contains("{{"))
            #expect(answer.cookies.isEmpty)
        }
        #expect(bench.queue?.next == before)
    }

    @Test("While people wait in the mirror, newcomers are held without asking the store")
    func heldFromTheMirror() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        _ = try bench.waitingTicket()
        bench.tick()
        let before = bench.store.calls.count
        #expect(try bench.gate().text.contains("You are in the queue"))
        #expect(bench.store.calls.count == before)
    }

    @Test(
        "A program is answered in JSON, by what is wrong with its pass",
        arguments: [
            ("missing", "PASS_MISSING"), ("expired", "PASS_EXPIRED"), ("foreign", "PASS_FOREIGN"),
            ("ok:other", "PASS_FOREIGN"), ("forged", "PASS_INVALID"), ("malformed", "PASS_INVALID"),
            ("", "PASS_INVALID"), ("anything", "PASS_INVALID"), ("other-client", "PASS_OTHER_CLIENT"),
        ]
    )
    func programs(_ verdict: String, _ code: String) throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        _ = try bench.waitingTicket()
        bench.tick()
        let before = bench.store.calls.count
        let answer = try bench.gate(verdict: verdict, [(.accept, "application/json"), (.requestID, "r1")])
        #expect(try answer.status == 503 && answer.errorCode == code)
        #expect(answer["Content-Type"] == "application/problem+json")
        #expect(answer["Cache-Control"] == "no-store" && answer["Retry-After"] == "5")
        #expect(try answer.string("type")?.hasPrefix("urn:vestibule:problem:pass_") == true)
        #expect(try answer.string("title") == "Waiting room" && answer.integer("status") == 503)
        #expect(try answer.string("detail") == answer.json["error"]?["message"]?.stringValue)
        #expect(try answer.json["error"]?["trace_id"]?.stringValue == "r1")
        #expect(try answer.string("room") == "demo" && answer.string("join") == "/api/v1/queue/join")
        #expect(answer.cookies.isEmpty && answer["X-Accel-Redirect"] == nil)
        #expect(bench.store.calls.count == before)
    }

    @Test("A browser that also takes JSON gets the page")
    func browsers() throws {
        let bench = try WaitingRoomBench()
        let answer = try bench.gate(verdict: "expired", [(.accept, "text/html, application/json;q=0.5")])
        #expect(answer["Content-Type"] == "text/html; charset=utf-8")
    }

    @Test(
        "A bad pass is never let in, even into an empty room",
        arguments: ["expired", "foreign", "forged", "malformed", "ok:demo", "ok:other", "", "Missing", "missing "]
    )
    func badPass(_ verdict: String) throws {
        let bench = try WaitingRoomBench()
        let answer = try bench.gate(verdict: verdict)
        #expect(answer["X-Accel-Redirect"] == nil)
        // The browser forgets what was refused, so that it is not refused again.
        let cleared = "vestibule-pass-demo=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        #expect(answer.cookies == (verdict == "expired" ? [] : [cleared]))
        let known = ["expired", "foreign", "forged", "malformed"].contains(verdict)
        let shown = known ? verdict : verdict.hasPrefix("ok:") ? "foreign" : "malformed"
        #expect(answer.text.contains(#"data-refused="\#(shown)""#))
        #expect(bench.store.calls.isEmpty)
        #expect(answer["Content-Type"] == "text/html; charset=utf-8")
    }

    @Test("Refused passes are counted by reason; one that the worker holds for good is told once")
    func disputed() throws {
        let directory = try TemporaryDirectory()
        let scoreboard = try #require(Scoreboard(path: directory.file("scoreboard"), row: 0))
        let bench = try WaitingRoomBench(policy: limits(burst: 9), scoreboard: scoreboard)
        let pass = try #require(try bench.join().string("pass"))
        let cookie: [(GatewayField, String)] = [(.cookie, "vestibule-pass-demo=x; vestibule-pass-demo=\(pass)")]
        for verdict in ["missing", "forged", "forged", "expired", "foreign", "ok:other", "malformed", "other-client"] {
            _ = try bench.gate(verdict: verdict, [(.cookie, "vestibule-pass-demo=x")])
        }
        #expect(bench.logLines.isEmpty, "anybody can send what is no pass")
        for _ in 0..<3 { _ = try bench.gate(verdict: "forged", cookie) }
        #expect(bench.logLines.count == 1 && bench.logLines[0].contains("nginx refuses a pass"))
        #expect(!bench.logLines[0].contains(pass.suffix(20)))
        let metrics = try bench.send(Call("GET", "/metrics")).text
        for line in [
            #"refused_total{reason="forged"} 5"#, #"refused_total{reason="expired"} 1"#,
            #"refused_total{reason="foreign"} 2"#, #"refused_total{reason="malformed"} 1"#,
            #"refused_total{reason="other_client"} 1"#, "disputed_total 3",
        ] { #expect(metrics.contains("vestibule_pass_\(line)\n"), "\(line)") }
    }

    @Test("A called visitor who comes back without a pass enters with the old number")
    func returningCalled() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        let cookie = [(GatewayField.cookie, "vestibule-ticket-demo=\(token)")]
        bench.tick()
        #expect(try bench.gate(cookie).text.contains("You are in the queue"))
        bench.configure(limits(rate: 1))
        bench.run(1000)
        let answer = try bench.gate(cookie)
        #expect(answer["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(try answer["X-Vestibule-Number"] == "\(bench.ticket(token).number)")
        #expect(answer.cookie("vestibule-ticket-demo") == token)
        #expect(bench.store.calls.filter { $0 == "join" }.count == 2)
        // A visitor who has entered already gets the same pass again.
        let again = try bench.gate(cookie)
        #expect(again.cookie("vestibule-pass-demo") == answer.cookie("vestibule-pass-demo"))
    }

    @Test("A ticket that is over counts for nothing: its holder is a newcomer")
    func returningLeft() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 2))
        let joined = try bench.join()
        let token = try #require(try joined.string("waiting_token"))
        _ = try bench.leave(token)
        let answer = try bench.gate([(.cookie, "vestibule-ticket-demo=\(token)")])
        #expect(answer["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(answer["X-Vestibule-Number"] == "5001")
    }

    @Test("A forged ticket, or one of another room in this room's cookie, gives no place")
    func foreignTicket() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        try bench.fill()
        for token in [bench.sign(room: "other", number: 5000), bench.sign(number: 5000) + "x"] {
            let answer = try bench.gate([(.cookie, "vestibule-ticket-demo=\(token)")])
            #expect(answer["X-Accel-Redirect"] == nil)
        }
        #expect(!bench.store.calls.contains("enter"))
    }

    @Test("A room that is switched off lets everybody pass, with any verdict, and takes no number")
    func bypass() throws {
        let bench = try WaitingRoomBench(policy: limits(mode: .bypass))
        for verdict in ["missing", "expired", "forged"] {
            let answer = try bench.gate(verdict: verdict, [(.accept, "application/json")])
            #expect(answer["X-Accel-Redirect"] == "@vestibule_continue")
            #expect(answer.cookies.isEmpty)
            // What the backend reads in every other mode.
            let pass = try #require(answer["X-Vestibule-Pass"])
            #expect(answer["X-Vestibule-Room"] == "demo" && answer["X-Vestibule-Number"] != nil)
            #expect(pass.split(separator: ".").count == 3)
        }
        #expect(bench.store.calls.isEmpty)
    }

    @Test("Paused and closed rooms hold newcomers", arguments: [RoomMode.paused, .closed])
    func modes(_ mode: RoomMode) throws {
        #expect(try WaitingRoomBench(policy: limits(mode: mode)).gate()["X-Accel-Redirect"] == nil)
    }

    @Test("Without the store newcomers and returners are held, and nobody is let in")
    func storeAway() throws {
        let bench = try WaitingRoomBench()
        bench.fail(.unavailable("gone"))
        #expect(try bench.gate().text.contains("You are in the queue"))
        let cookie = "vestibule-ticket-demo=\(bench.sign(number: 5000))"
        #expect(try bench.gate([(.cookie, cookie)])["X-Accel-Redirect"] == nil)
    }

    @Test("A room the worker does not know is 404", arguments: ["", "nowhere", "../etc", "Demo"])
    func unknownRoom(_ room: String) throws {
        let answer = try WaitingRoomBench().send(Call("GET", "/", [(.operation, "gate"), (.room, room)]))
        #expect(try answer.status == 404 && answer.errorCode == "ROOM_UNKNOWN")
    }
}

struct VerifyTests {
    private func verify(_ bench: WaitingRoomBench, _ pass: String?, _ scheme: String = "http") throws -> Answer {
        var fields: [(GatewayField, String)] = [(.operation, "verify"), (.room, "demo"), (.scheme, scheme)]
        let prefix = scheme == "https" ? "__Host-" : ""
        if let pass { fields.append((.cookie, "a=b; \(prefix)vestibule-pass-demo=\(pass)")) }
        return try bench.send(Call("GET", "/shop", fields))
    }

    @Test("A valid pass is 204 with the number; every other is 401 with a verdict")
    func verdicts() throws {
        let bench = try WaitingRoomBench()
        let pass = try #require(try bench.join().string("pass"))
        for scheme in ["http", "https"] {
            let valid = try verify(bench, pass, scheme)
            #expect(valid.status == 204 && valid["X-Vestibule-Number"] == "5000" && valid.body.isEmpty)
        }
        func other(room: String, expires: Int64) -> String {
            let made = Pass(room: room, number: 1, jti: "j", issuedAtSeconds: 1, expiresAtSeconds: expires)
            return String(decoding: bench.keys.sign(made), as: UTF8.self)
        }
        let seconds = Int64(bench.nowMilliseconds / 1000)
        let cases: [(String?, String)] = [
            (nil, "missing"), ("noise", "malformed"), ("", "missing"), (pass + "x", "malformed"),
            (String(pass.dropLast()) + (pass.last == "A" ? "B" : "A"), "forged"),
            (other(room: "other", expires: seconds + 60), "foreign"),
            (other(room: "demo", expires: seconds - 5), "expired"),
        ]
        for (text, verdict) in cases {
            let answer = try verify(bench, text)
            #expect(answer.status == 401 && answer["X-Vestibule-Verdict"] == verdict, "\(verdict)")
            #expect(answer["X-Vestibule-Number"] == nil)
        }
        // Within the leeway it still passes.
        #expect(try verify(bench, other(room: "demo", expires: seconds - 4)).status == 204)
        bench.advance(605_000)
        #expect(try verify(bench, pass)["X-Vestibule-Verdict"] == "expired")
        #expect(bench.store.calls == ["join"])
    }

    @Test("A name that is no room is 404", arguments: ["", "Demo", "a/b", String(repeating: "a", count: 65)])
    func badRoom(_ room: String) throws {
        let answer = try WaitingRoomBench().send(Call("GET", "/", [(.operation, "verify"), (.room, room)]))
        #expect(answer.status == 404)
    }
}
