// SPDX-License-Identifier: Apache-2.0
//
// Rooms in which the site names who joins: one place a person, and in a room that requires a token none without it,
// neither by a join nor at the gate.

import Admission
import GatewayWire
import Passes
import Simulation
import Telemetry
import TestSupport
import Testing
import WaitingRoomAPI

extension WaitingRoomBench {
    /// A room with one token, which is taken, so that the next joins wait.
    fileprivate static func full(
        _ rule: EnqueueRule,
        scoreboard: Scoreboard? = nil,
        _ policy: RoomPolicy = limits()
    ) throws -> WaitingRoomBench {
        let bench = try WaitingRoomBench(policy: policy, rules: JoinRules(enqueue: rule), scoreboard: scoreboard)
        guard try bench.join(as: bench.token("first")).status == 200 else { throw TestFailure("no room for the first") }
        bench.tick()
        return bench
    }

    fileprivate func token(_ person: String = "alice", room: String = "demo", issuedAgo: Int = 0) throws -> String {
        let issued = Int64(nowMilliseconds / 1000 - issuedAgo)
        let token = EnqueueToken(
            room: room,
            subject: person,
            issuedAtSeconds: issued,
            expiresAtSeconds: issued + 600
        )
        return String(decoding: keys.sign(try #require(token)), as: UTF8.self)
    }

    fileprivate func join(as token: String, _ fields: [(GatewayField, String)] = []) throws -> Answer {
        try join(with: #""\#(token)""#, fields)
    }

    fileprivate func join(with json: String, _ fields: [(GatewayField, String)] = []) throws -> Answer {
        try send(
            Call("POST", "/api/v1/queue/join", body: #"{"event_id":"demo","enqueue_token":\#(json)}"#, fields)
        )
    }

    fileprivate func gate(
        _ cookies: String = "",
        verdict: String = "missing",
        query: String = "item=7",
        language: String = "en",
        _ fields: [(GatewayField, String)] = []
    ) throws -> Answer {
        let all: [(GatewayField, String)] = [
            (.operation, "gate"), (.room, "demo"), (.verdict, verdict), (.accept, "text/html"), (.cookie, cookies),
            (.acceptLanguage, language),
        ]
        return try send(Call("GET", "/shop?\(query)", all + fields))
    }

    fileprivate func cookie(_ person: String = "alice") throws -> String {
        "a=b; vestibule-enqueue-demo=\(try token(person))"
    }

    fileprivate var joined: Int { queue?.counters.joined ?? 0 }
}

struct EnqueueJoinTests {
    @Test(
        "A person has one place, whatever else differs between the joins",
        arguments: [EnqueueRule.optional, .required]
    )
    func onePlace(_ rule: EnqueueRule) throws {
        let bench = try WaitingRoomBench.full(rule)
        let first = try bench.join(as: bench.token())
        #expect(first.status == 202)
        let ticket = try #require(try first.string("waiting_token"))
        let others: [[(GatewayField, String)]] = [
            [], [(.idempotencyKey, "0123456789abcdef")], [(.idempotencyKey, "another-key-of-a-browser")],
            [(.address, "192.0.2.1")], [(.cookie, try bench.cookie("bob"))],
        ]
        for fields in others {
            bench.advance(1000)
            let again = try bench.join(as: bench.token(issuedAgo: 30), fields)
            #expect(try again.status == 202 && again.string("waiting_token") == ticket, "\(fields)")
        }
        #expect(try bench.join([(.cookie, bench.cookie())]).string("waiting_token") == ticket)
        let bob = try bench.join(as: bench.token("bob"), [(.idempotencyKey, "0123456789abcdef")])
        #expect(try bob.integer("position") == 2, "the name decides, not the Idempotency-Key")
        #expect(bench.joined == 3)
    }

    @Test("Names are compared byte by byte, and a room without the rule ignores tokens, good and bad")
    func names() throws {
        let bench = try WaitingRoomBench.full(.required)
        for name in ["é", "e\u{301}", "E\u{301}", " é"] { #expect(try bench.join(as: bench.token(name)).status == 202) }
        #expect(bench.joined == 5)
        let open = try WaitingRoomBench.full(.off)
        for json in [#""\#(try open.token())""#, #""\#(try open.token())""#, #""forged""#, "7", "null", "[]"] {
            #expect(try open.join(with: json).status == 202)
        }
        #expect(try open.join([(.cookie, "vestibule-enqueue-demo=x")]).status == 202)
        #expect(open.joined == 8)
    }

    @Test("Without a good token nobody joins a room that requires one, and no store is asked")
    func required() throws {
        let path = try TemporaryDirectory()
        let board = try #require(Scoreboard(path: path.file("board"), row: 0))
        let bench = try WaitingRoomBench.full(.required, scoreboard: board)
        let calls = bench.store.calls.count
        func expect(_ answer: Answer, _ status: Int, _ code: String, _ note: Comment) throws {
            #expect(try answer.status == status && answer.errorCode == code, note)
            #expect(answer.cookies.isEmpty)
        }
        try expect(bench.join(), 400, "ENQUEUE_TOKEN_MISSING", "none")
        try expect(bench.join(with: "null"), 400, "ENQUEUE_TOKEN_MISSING", "null")
        try expect(
            bench.join([(.idempotencyKey, "0123456789abcdef")]),
            400,
            "ENQUEUE_TOKEN_MISSING",
            "a key is no name"
        )
        try expect(bench.join([(.cookie, "vestibule-enqueue-demo=")]), 400, "ENQUEUE_TOKEN_MISSING", "taken back")
        let good = try bench.token()
        let foreignCookie = "vestibule-enqueue-other=\(good); __Host-vestibule-enqueue-demo=\(good)"
        try expect(bench.join([(.cookie, foreignCookie)]), 400, "ENQUEUE_TOKEN_MISSING", "cookies of other names")
        for json in ["7", "{}", "[]", "true"] { try expect(bench.join(with: json), 400, "MALFORMED", "\(json)") }
        let ticket = bench.sign(number: 5000)
        let bad = [
            "", "x", good + "x", String(good.dropLast()) + (good.last == "A" ? "B" : "A"), ticket,
            try bench.token(room: "other"), try bench.token(issuedAgo: 605), try bench.token(issuedAgo: -6),
        ]
        for token in bad {
            try expect(bench.join(as: token), 401, "ENQUEUE_TOKEN_INVALID", "\(token)")
            try expect(
                bench.join(as: token, [(.cookie, bench.cookie())]),
                401,
                "ENQUEUE_TOKEN_INVALID",
                "beside a cookie"
            )
            if token.isEmpty { continue }
            let cookie = "vestibule-enqueue-demo=\(token)"
            try expect(bench.join([(.cookie, cookie)]), 401, "ENQUEUE_TOKEN_INVALID", "in the cookie")
        }
        #expect(bench.store.calls.count == calls)
        #expect(board.total(.joinsUnnamed) == 9 + 3 * bad.count - 1)
        #expect(try bench.join(as: bench.token(issuedAgo: 604)).status == 202, "within the leeway")
    }

    @Test("In a room where tokens are optional a bad one is refused in a body, and an old cookie hinders nobody")
    func optional() throws {
        let bench = try WaitingRoomBench.full(.optional)
        #expect(try bench.join(as: "x").errorCode == "ENQUEUE_TOKEN_INVALID")
        #expect(try bench.join().status == 202)
        #expect(try bench.join([(.cookie, "vestibule-enqueue-demo=\(bench.token(issuedAgo: 700))")]).status == 202)
        #expect(bench.joined == 3)
    }

    @Test("Under TLS the cookie has the __Host- prefix")
    func secureCookie() throws {
        let bench = try WaitingRoomBench.full(.required)
        let plain = try bench.cookie()
        let secure = plain.replacing("vestibule-enqueue", with: "__Host-vestibule-enqueue")
        #expect(try bench.join([(.scheme, "https"), (.cookie, plain)]).errorCode == "ENQUEUE_TOKEN_MISSING")
        #expect(try bench.join([(.scheme, "https"), (.cookie, secure)]).status == 202)
    }

    @Test("A person who is inside gets the same pass again, and after leaving another number once that pass is over")
    func insideAndLeft() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 2), rules: JoinRules(enqueue: .required))
        let first = try bench.join(as: bench.token())
        bench.advance(60_000)
        let again = try bench.join(as: bench.token())
        #expect(first.status == 200 && again.status == 200)
        #expect(try first.string("pass") == again.string("pass"))
        #expect(try first.string("waiting_token") == again.string("waiting_token"))
        let ticket = try #require(try first.string("waiting_token"))
        #expect(try bench.leave(ticket).status == 200)
        let left = try bench.join(as: bench.token())
        #expect(try left.string("status") == "left" && left.string("pass") == nil)
        #expect(try left.string("waiting_token") == ticket)
        bench.advance(try first.integer("ttl_sec").map { $0 * 1000 } ?? 0)
        let anew = try bench.join(as: bench.token())
        #expect(try bench.ticket(try #require(try anew.string("waiting_token"))).number == 5001)
    }

    @Test("A person may come back from another device after the first has been silent, at the same place")
    func anotherDevice() throws {
        let bench = try WaitingRoomBench.full(.required)
        let ticket = try #require(try bench.join(as: bench.token()).string("waiting_token"))
        let bob = try #require(try bench.join(as: bench.token("bob")).string("waiting_token"))
        try bench.run(5000) { _ = try bench.status(bob) }
        #expect(bench.queue?.waiting.count == 1, "the silent one was swept")
        let again = try bench.join(as: bench.token())
        #expect(try again.string("waiting_token") == ticket && again.integer("position") == 1)
        bench.run(200)
        #expect(try bench.status(bob).integer("position") == 2)
    }
}

struct EnqueueGateTests {
    @Test("A page visitor without a good token takes no number and is let in nowhere, with every kind of request")
    func refused() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 100), rules: JoinRules(enqueue: .required))
        bench.tick()
        let bad = [
            "", "vestibule-enqueue-demo=", "vestibule-enqueue-demo=x", "vestibule-enqueue-other=\(try bench.token())",
            "vestibule-enqueue-demo=\(try bench.token(room: "other"))",
            "vestibule-enqueue-demo=\(try bench.token(issuedAgo: 700))",
            "vestibule-ticket-demo=forged", "vestibule-ticket-demo=\(bench.sign(room: "other", number: 5000))",
        ]
        for cookies in bad {
            for verdict in ["missing", "expired", "forged", "ok:other", ""] {
                for query in ["item=7", "vestibule-noscript=join", "vestibule-noscript=wait", "vestibule-noscript=x"] {
                    let answer = try bench.gate(cookies, verdict: verdict, query: query)
                    #expect(answer.status == 503 && answer["X-Accel-Redirect"] == nil, "\(cookies) \(verdict) \(query)")
                    // The browser only forgets a pass that was refused.
                    let isGiven = answer.cookies.contains { !$0.hasPrefix("vestibule-pass-demo=; Path=/; Max-Age=0") }
                    #expect(answer["X-Vestibule-Pass"] == nil && !isGiven)
                }
            }
        }
        #expect(bench.store.calls.isEmpty && bench.joined == 0)
    }

    @Test(
        "The page says what is the matter, in both languages, without a place and without loading itself",
        arguments: [
            ("en", "sign in on this site, then open this page again", "sign in on this site again", "Waiting room"),
            ("ko", "이 사이트에 로그인한 뒤", "이 사이트에 다시 로그인한 뒤", "대기실"),
        ]
    )
    func page(_ language: String, _ missing: String, _ invalid: String, _ heading: String) throws {
        let bench = try WaitingRoomBench(rules: JoinRules(enqueue: .required))
        for (cookies, expected) in [("", missing), ("vestibule-enqueue-demo=x", invalid)] {
            for query in ["item=7", "vestibule-noscript=join"] {
                let page = try bench.gate(cookies, query: query, language: language)
                let message = try #require(page.text.firstMatch(of: /aria-live="polite">([^<]*)</)?.1)
                #expect(message.contains(expected), "\(message)")
                #expect(page.text.contains(#"<h1 id="heading">\#(heading)</h1>"#))
                #expect(page.text.contains(#"aria-labelledby="heading" hidden>"#))
                #expect(!page.text.contains("{{") && !page.text.contains("http-equiv"))
                #expect(page.text.contains("?item=7&amp;vestibule-noscript=join") || query != "item=7")
                #expect(!page.text.contains("allow cookies for this site: ") && !page.text.contains("쿠키에 보관됩니다. <a"))
            }
        }
        let named = try bench.gate(bench.cookie(), language: language)
        #expect(named["X-Accel-Redirect"] == "@vestibule_continue")
        let held = try bench.gate(bench.cookie("bob"), language: language)
        #expect(held.text.contains(#"aria-live="polite"></p>"#) && !held.text.contains(#"hidden>"# + "\n    <p>"))
    }

    @Test("A person who finds room goes on, and coming without cookies of ours gets the same pass")
    func admitted() throws {
        let bench = try WaitingRoomBench(policy: limits(burst: 5), rules: JoinRules(enqueue: .required))
        let first = try bench.gate(bench.cookie())
        #expect(first["X-Accel-Redirect"] == "@vestibule_continue" && first.cookies.count == 2)
        let again = try bench.gate(bench.cookie())
        #expect(again["X-Accel-Redirect"] == "@vestibule_continue")
        #expect(again.cookie("vestibule-pass-demo") == first.cookie("vestibule-pass-demo"))
        #expect(again.cookie("vestibule-ticket-demo") == first.cookie("vestibule-ticket-demo"))
        #expect(try bench.join(as: bench.token()).string("pass") == first.cookie("vestibule-pass-demo"))
        #expect(bench.joined == 1)
    }

    @Test("A person who waits elsewhere and comes without JavaScript gets that place, and enters when called")
    func waitingElsewhere() throws {
        let bench = try WaitingRoomBench.full(.required)
        let ticket = try #require(try bench.join(as: bench.token()).string("waiting_token"))
        let page = try bench.gate(bench.cookie(), query: "vestibule-noscript=join")
        #expect(page.cookie("vestibule-ticket-demo") == ticket)
        #expect(page.text.contains(#"<dd id="position">1</dd>"#) && page.text.contains(#"data-step="poll""#))
        bench.configure(limits(rate: 1))
        bench.run(1000)
        let inside = try bench.gate(bench.cookie(), query: "vestibule-noscript=join")
        #expect(inside.status == 303 && inside.cookie("vestibule-ticket-demo") == ticket)
        #expect(bench.joined == 2)
    }

    @Test("A ticket is proof enough: its holder enters without a token, which has long expired")
    func ticketHolder() throws {
        let bench = try WaitingRoomBench.full(.required)
        let ticket = try #require(try bench.join(as: bench.token()).string("waiting_token"))
        let cookie = "vestibule-ticket-demo=\(ticket)"
        #expect(try bench.gate(cookie).text.contains("You are in the queue"))
        bench.configure(limits(rate: 1))
        bench.run(1000)
        #expect(try bench.gate(cookie)["X-Accel-Redirect"] == "@vestibule_continue")
        _ = try bench.leave(ticket)
        let over = try bench.gate(cookie)
        #expect(over["X-Accel-Redirect"] == nil && over.text.contains("sign in on this site"), "it is over: a newcomer")
        #expect(bench.joined == 2)
    }

    @Test("A room that is switched off lets everybody pass, and one where tokens are optional works as ever")
    func others() throws {
        let off = try WaitingRoomBench(policy: limits(mode: .bypass), rules: JoinRules(enqueue: .required))
        #expect(try off.gate("")["X-Accel-Redirect"] == "@vestibule_continue")
        for cookies in ["", "vestibule-enqueue-demo=x"] {
            let bench = try WaitingRoomBench(rules: JoinRules(enqueue: .optional))
            #expect(try bench.gate(cookies)["X-Accel-Redirect"] == "@vestibule_continue")
            #expect(try bench.gate(cookies).text.contains(#"<h1 id="heading">You are in the queue</h1>"#))
        }
    }

    @Test("A store that goes away between finding a person and entering leaves the person at the page")
    func storeAway() throws {
        let bench = try WaitingRoomBench.full(.required)
        _ = try bench.join(as: bench.token())
        bench.fail(.unavailable("gone"))
        let page = try bench.gate(bench.cookie(), query: "vestibule-noscript=join")
        #expect(page["X-Accel-Redirect"] == nil && page.cookies.isEmpty)
        #expect(page.text.contains(#"data-step="join""#))
    }

    @Test("Where work is asked for as well, a solution is good for the person who asked, once, and for nobody else")
    func work() throws {
        let rules = JoinRules(enqueue: .required, proofOfWork: ProofOfWork(bits: 8, bitsMax: 8))
        let bench = try WaitingRoomBench(rules: rules)
        bench.tick()
        for index in 0..<30 { _ = try bench.join(as: bench.token("crowd \(index)")) }
        let refused = try bench.join(as: bench.token())
        #expect(try refused.errorCode == "PROOF_REQUIRED")
        let shown = try #require(ShownChallenge(try refused.json))
        let proof = #"{"challenge":"\#(shown.text)","nonce":"\#(try shown.nonce())"}"#
        func join(_ person: String) throws -> Answer {
            let token = try bench.token(person)
            let body = #"{"event_id":"demo","enqueue_token":"\#(token)","proof":\#(proof)}"#
            return try bench.send(Call("POST", "/api/v1/queue/join", body: body))
        }
        let joined = bench.joined
        #expect(try join("mallory").errorCode == "PROOF_INVALID")
        let ticket = try #require(try join("alice").string("waiting_token"))
        for _ in 0..<10 { #expect(try join("alice").string("waiting_token") == ticket) }
        #expect(bench.joined == joined + 1)
    }
}
