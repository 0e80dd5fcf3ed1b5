// SPDX-License-Identifier: Apache-2.0
//
// POST /enter and /leave: the claim of a call, the same pass for the same entry, and a place given up for good.

import Admission
import GatewayWire
import Passes
import Simulation
import TestSupport
import Testing
import WaitingRoomAPI

/// A bench with one visitor who has just been called.
private func benchWithCall() throws -> (WaitingRoomBench, String) {
    let bench = try WaitingRoomBench()
    try bench.fill()
    let token = try bench.waitingTicket()
    bench.configure(limits(rate: 1))
    bench.run(1000)
    return (bench, token)
}

struct EnterTests {
    @Test("Before the call the answer is NOT_READY with the time of the next poll")
    func notReady() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        bench.tick()
        let answer = try bench.enter(token)
        #expect(try answer.status == 403 && answer.errorCode == "NOT_READY")
        let poll = try #require(try answer.integer("poll_after_ms"))
        #expect(poll > 0)
        #expect(answer["Retry-After"] == "\((poll + 999) / 1000)")
        #expect(answer.cookies.isEmpty)
    }

    @Test("A call is turned into a pass, and repeating it gives the same bytes")
    func granted() throws {
        let (bench, token) = try benchWithCall()
        let answer = try bench.enter(token)
        #expect(answer.status == 200)
        #expect(try answer.string("admission") == "granted")
        let pass = try #require(try answer.string("pass"))
        #expect(try answer.string("reservation_token") == pass)
        #expect(try answer.integer("ttl_sec") == 600)
        #expect(answer.cookie("vestibule-pass-demo") == pass)
        guard
            case .valid(let read) = bench.keys.verifyPass(
                Array(pass.utf8),
                room: "demo",
                nowSeconds: Int64(bench.nowMilliseconds / 1000)
            )
        else { throw TestFailure("the pass does not verify") }
        #expect(try read.number == bench.ticket(token).number)

        bench.run(60_000)
        let again = try bench.enter(token)
        #expect(again.status == 200)
        #expect(try again.string("pass") == pass)
        #expect(try again.integer("ttl_sec") == 540)
        #expect(bench.queue?.counters.entered == 2)
    }

    @Test("The ticket may be in the cookie, in the query or as Bearer, with an empty body or null")
    func ticketPlaces() throws {
        let (bench, token) = try benchWithCall()
        let path = "/api/v1/queue/enter"
        let ways: [Call] = [
            Call("POST", path, [(.cookie, "vestibule-ticket-demo=\(token)")]),
            Call("POST", path, body: "{}", [(.cookie, "vestibule-ticket-demo=\(token)")]),
            Call("POST", path, body: #"{"waiting_token":null}"#, [(.authorization, "Bearer \(token)")]),
            Call("POST", "\(path)?token=\(token)"), Call("POST", path, body: #"{"waiting_token":"\#(token)"}"#),
        ]
        var passes: Set<String> = []
        for way in ways { passes.insert(try #require(try bench.send(way).string("pass"))) }
        #expect(passes.count == 1)
    }

    @Test("To a ticket in the cookie, enter and join name the pass, as the API says, and no other answer does")
    func whichAnswersNameThePass() throws {
        let (bench, token) = try benchWithCall()
        let pass = try #require(try bench.enter(token).string("pass"))
        let cookie = [(GatewayField.cookie, "vestibule-ticket-demo=\(token)")]
        let again = Call("POST", "/api/v1/queue/join", body: #"{"event_id":"demo"}"#, cookie)
        #expect(try bench.send(again).string("pass") == pass)
        for path in ["status", "board?event_id=demo", "leave"] {
            let method = path == "leave" ? "DELETE" : "GET"
            let answer = try bench.send(Call(method, "/api/v1/queue/\(path)", cookie))
            #expect(answer.status == 200 && !answer.text.contains(pass), "\(path): \(answer.text)")
        }
    }

    @Test("A called visitor whom the entry bucket holds back is told to retry and keeps the call")
    func entryBucket() throws {
        // Two are called in two seconds, while the entry bucket holds no more than one token.
        let bench = try WaitingRoomBench(policy: limits(rate: 1))
        try bench.fill()
        let (first, second) = (try bench.waitingTicket(), try bench.waitingTicket())
        bench.run(2400)
        for token in [first, second] { #expect(try bench.status(token).string("status") == "ready") }
        #expect(try bench.enter(first).status == 200)
        let held = try bench.enter(second)
        #expect(try held.status == 403 && held.errorCode == "NOT_READY")
        let wait = try #require(try held.integer("poll_after_ms"))
        #expect((1...1000).contains(wait))
        #expect(held["Retry-After"] == "1")
        #expect(try bench.status(second).string("status") == "ready")
        bench.advance(wait - 1)
        #expect(try bench.enter(second).status == 403)
        bench.advance(1)
        #expect(try bench.enter(second).status == 200)
    }

    @Test("Bad bodies are 400, forged tickets 401, ended places 410, ended generations 409, no store 503")
    func refusals() throws {
        let (bench, token) = try benchWithCall()
        for body in ["nonsense", "[1", #"{"waiting_token":5}"#, #"{"waiting_token":{}}"#] {
            let answer = try bench.send(Call("POST", "/api/v1/queue/enter", body: body))
            #expect(try answer.status == 400 && answer.errorCode == "MALFORMED", "\(body)")
        }
        #expect(try bench.send(Call("POST", "/api/v1/queue/enter", body: "[]")).errorCode == "TICKET_MISSING")
        #expect(try bench.send(Call("POST", "/api/v1/queue/enter")).errorCode == "TICKET_MISSING")
        #expect(try bench.enter(token.replacing(".1.", with: ".2.")).status == 401)
        #expect(try bench.enter(bench.sign(room: "gone", number: 1)).status == 404)

        bench.fail(.unavailable("gone"))
        #expect(try bench.enter(token).status == 503)
        bench.fail(nil)
        #expect(try bench.enter(token).status == 200)

        _ = try bench.leave(token)
        let left = try bench.enter(token)
        #expect(try left.status == 410 && left.errorCode == "LEFT")
        // A room that has just been made believes every ticket for a grace.
        bench.advance(3_600_000)
        let expired = try bench.enter(bench.sign(number: 4000, issued: bench.nowMilliseconds - 3_600_000))
        #expect(try expired.status == 410 && expired.errorCode == "EXPIRED")
        bench.reset()
        let fenced = try bench.enter(token)
        #expect(try fenced.status == 409 && fenced.errorCode == "OTHER_GENERATION")
    }

    @Test("A pass that ran out is not given again")
    func afterThePass() throws {
        let (bench, token) = try benchWithCall()
        #expect(try bench.enter(token).status == 200)
        bench.advance(600_000)
        bench.tick()
        #expect(try bench.enter(token).errorCode == "EXPIRED")
    }
}

struct LeaveTests {
    @Test("DELETE and POST give the place up, again and again, and clear both cookies", arguments: ["DELETE", "POST"])
    func leave(_ method: String) throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (first, second) = (try bench.waitingTicket(), try bench.waitingTicket())
        bench.tick()
        for _ in 0..<2 {
            let answer = try bench.send(Call(method, "/api/v1/queue/leave?token=\(first)"))
            #expect(answer.status == 200)
            #expect(try answer.string("status") == "left")
            #expect(answer.cookies.count == 2)
            for cookie in answer.cookies { #expect(cookie.contains("=; ") && cookie.contains("Max-Age=0")) }
        }
        // The next poll shows it, before any tick.
        #expect(try bench.status(second).integer("position") == 1)
        #expect(bench.queue?.counters.left == 1)
    }

    @Test("A beacon sends the ticket in the body or leaves it to the cookie")
    func beacon() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let (first, second) = (try bench.waitingTicket(), try bench.waitingTicket())
        let path = "/api/v1/queue/leave"
        #expect(try bench.send(Call("POST", path, body: #"{"waiting_token":"\#(first)"}"#)).status == 200)
        #expect(try bench.send(Call("POST", path, [(.cookie, "vestibule-ticket-demo=\(second)")])).status == 200)
        #expect(bench.queue?.counters.left == 2)
    }

    @Test("A forged ticket is 401, none 400, an ended generation 409, no store 503")
    func refusals() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let token = try bench.waitingTicket()
        #expect(try bench.leave(token + "x").status == 401)
        #expect(try bench.send(Call("DELETE", "/api/v1/queue/leave")).status == 400)
        bench.fail(.unavailable("gone"))
        #expect(try bench.leave(token).status == 503)
        bench.fail(nil)
        bench.reset()
        #expect(try bench.leave(token).errorCode == "OTHER_GENERATION")
    }
}

struct CookieTests {
    @Test("Cookies are HttpOnly, SameSite=Lax and Path=/; with TLS also Secure and __Host-")
    func attributes() throws {
        for (scheme, prefix) in [("http", ""), ("https", "__Host-"), ("HTTPS", ""), ("", "")] {
            let answer = try WaitingRoomBench().join([(.scheme, scheme)])
            let (ticket, pass) = (try answer.string("waiting_token") ?? "", try answer.string("pass") ?? "")
            let secure = prefix.isEmpty ? "" : "; Secure"
            #expect(
                answer.cookies == [
                    "\(prefix)vestibule-ticket-demo=\(ticket); Path=/; Max-Age=86400; HttpOnly\(secure); SameSite=Lax",
                    "\(prefix)vestibule-pass-demo=\(pass); Path=/; Max-Age=600; HttpOnly\(secure); SameSite=Lax",
                ]
            )
        }
    }
}
