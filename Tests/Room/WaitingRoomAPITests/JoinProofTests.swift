// SPDX-License-Identifier: Apache-2.0
//
// Proof of work at a join: when it is asked for, that one solution is one place, and that whatever is wrong with a
// proof is refused without a word to the store.

import Admission
import GatewayWire
import Passes
import Simulation
import StrictJSON
import Telemetry
import TestSupport
import Testing
import WaitingRoomAPI

private let idempotency = "key-of-sixteen-c"

extension WaitingRoomBench {
    /// A room of which one join a second is the most that is quiet, at the moment after a rush.
    fileprivate static func rushed(
        policy: RoomPolicy = limits(),
        rules: JoinRules = JoinRules(proofOfWork: ProofOfWork(bits: 8, bitsMax: 10)),
        scoreboard: Scoreboard? = nil
    ) throws -> WaitingRoomBench {
        var random = SeededRandom(seed: 11)
        let bench = try WaitingRoomBench(policy: policy, rules: rules, rooms: ["other"], scoreboard: scoreboard) {
            Double.random(in: 0..<1, using: &random)
        }
        bench.tick()
        try bench.rush()
        return bench
    }

    /// Joins without a proof, until one is asked for and a little longer.
    fileprivate func rush() throws {
        for _ in 0..<30 { _ = try join() }
    }

    fileprivate func join(body: String, key: String? = nil, _ fields: [(GatewayField, String)] = []) throws -> Answer {
        let fields = fields + (key.map { [(.idempotencyKey, $0)] } ?? [])
        return try send(Call("POST", "/api/v1/queue/join", body: body, fields))
    }

    /// The challenge for a join that brings nothing.
    fileprivate func challenge(key: String? = nil) throws -> ShownChallenge {
        let answer = try join(key.map { [(.idempotencyKey, $0)] } ?? [])
        guard answer.status == 403, let shown = ShownChallenge(try answer.json) else {
            throw TestFailure("no challenge: \(answer.text)")
        }
        return shown
    }

    fileprivate var joined: Int { queue?.counters.joined ?? -1 }
}

struct JoinProofTests {
    @Test("While a room is quiet, or asks for nothing, nobody is asked, and what a proof member says does not matter")
    func quiet() throws {
        let bench = try WaitingRoomBench(rules: JoinRules(proofOfWork: ProofOfWork()))
        bench.tick()
        for _ in 0..<10 { #expect(try bench.join().status < 300) }
        bench.run(60_000)
        for _ in 0..<60 {
            bench.run(1000)
            #expect(try bench.join().status < 300)
        }
        let bad = try bench.join(body: #"{"event_id":"demo","proof":{"challenge":"p1.k1.demo","nonce":"5"}}"#)
        #expect(bad.status == 202, "a bad proof is as good as none while none is needed")
        let off = try WaitingRoomBench()
        for _ in 0..<100 { #expect(try off.join(body: #"{"event_id":"demo","proof":[5]}"#).status < 300) }
    }

    @Test("Above the rate a join is refused with a challenge, without a word to the store, and its solution is a place")
    func demanded() throws {
        let bench = try WaitingRoomBench.rushed()
        let calls = bench.store.calls.count
        let refused = try bench.join()
        #expect(try refused.status == 403 && refused.errorCode == "PROOF_REQUIRED")
        #expect(refused["Cache-Control"] == "no-store" && refused["Retry-After"] == nil && refused.cookies.isEmpty)
        let error = try #require(try refused.json["error"])
        #expect(error["bits"] == .integer(9))
        #expect(error["expires_ms"] == .integer(Int64(bench.nowMilliseconds + 120_000)))
        #expect(bench.store.calls.count == calls)
        let shown = try #require(ShownChallenge(try refused.json))
        let answer = try bench.join(body: try shown.body())
        #expect(answer.status == 202 && bench.store.calls.count == calls + 1)
        #expect(try answer.string("status") == "waiting")
        #expect(try bench.challenge().text != bench.challenge().text, "no two are the same")
    }

    @Test("More joins ask for more work, and a quiet minute ends it")
    func grows() throws {
        let bench = try WaitingRoomBench.rushed()
        #expect(try bench.challenge().bits == 9)
        for _ in 0..<100 { _ = try bench.join() }
        #expect(try bench.challenge().bits == 10)
        bench.run(90_000)
        #expect(try bench.join().status == 202)
    }

    @Test("A thousand replays of one solution give one ticket and take one number")
    func replays() throws {
        let bench = try WaitingRoomBench.rushed()
        let before = bench.joined
        let body = try bench.challenge().body()
        var tickets: Set<String> = []
        for index in 0..<1000 {
            if index % 100 == 0 { bench.advance(11_000) }
            // The last ones come when nobody is asked for work any more.
            tickets.insert(try #require(try bench.join(body: body).string("waiting_token")))
        }
        #expect(tickets.count == 1 && bench.joined == before + 1)
        bench.advance(120_000)
        try bench.rush()
        let late = try bench.join(body: body)
        #expect(try late.status == 403 && late.errorCode == "PROOF_EXPIRED")
    }

    @Test("A lost answer is asked for again with the same key and proof, and gives the same ticket")
    func retries() throws {
        let bench = try WaitingRoomBench.rushed()
        let shown = try bench.challenge(key: idempotency)
        let body = try shown.body()
        bench.fail(.unavailable("gone"))
        #expect(try bench.join(body: body, key: idempotency).status == 503)
        bench.fail(nil)
        let first = try bench.join(body: body, key: idempotency)
        let again = try bench.join(body: body, key: idempotency)
        #expect(first.status == 202)
        #expect(try first.string("waiting_token") == again.string("waiting_token"))
        // After the challenge's life: more work, the same place.
        bench.advance(130_000)
        try bench.rush()
        let late = try bench.join(body: body, key: idempotency)
        #expect(try late.errorCode == "PROOF_EXPIRED")
        let fresh = try #require(ShownChallenge(try late.json))
        let answer = try bench.join(body: try fresh.body(), key: idempotency)
        #expect(try answer.string("waiting_token") == first.string("waiting_token"))
    }

    @Test("Whatever is wrong with a proof is refused, with a challenge to do better, and never reaches the store")
    func wrong() throws {
        let bench = try WaitingRoomBench.rushed()
        let (shown, bound) = (try bench.challenge(), try bench.challenge(key: idempotency))
        let calls = bench.store.calls.count
        let salt = [UInt8](repeating: 1, count: 16)
        func signed(_ room: String, _ secret: UInt8 = 7) throws -> ShownChallenge {
            let keys = try KeyRing(keys: [SigningKey(kid: "k1", secret: Array(repeating: secret, count: 32))])
            let issued = Int64(bench.nowMilliseconds)
            let made = Challenge(room: room, issuedMilliseconds: issued, bits: 8, salt: salt, joinKey: nil)
            var other = shown
            other.text = String(decoding: keys.sign(made), as: UTF8.self)
            return other
        }
        var forged = shown
        forged.text = shown.text.replacing(".9.", with: ".1.")
        var noise = shown
        noise.text = "noise"
        let cases: [(String, String, String?)] = [
            ("unsolved", try shown.body(nonce: try shown.nonce(solving: false)), nil),
            ("cheaper", try forged.body(), nil),
            ("another room's", try signed("other").body(), nil),
            ("somebody else's", try signed("demo", 8).body(), nil),
            ("no challenge", try noise.body(), nil),
            ("made without the key", try shown.body(), idempotency),
            ("made with a key", try bound.body(), nil),
            ("made with another key", try bound.body(), idempotency + "x"),
        ]
        for (name, body, key) in cases {
            let answer = try bench.join(body: body, key: key)
            #expect(try answer.status == 403 && answer.errorCode == "PROOF_INVALID", "\(name)")
            #expect(ShownChallenge(try answer.json).map { $0.text != shown.text } == true, "\(name)")
        }
        #expect(bench.store.calls.count == calls)
        // The same form with our own key is good: it is the differences that were refused.
        #expect(try bench.join(body: try signed("demo").body()).status == 202)
        #expect(try bench.join(body: try bound.body(), key: idempotency).status == 202)
    }

    @Test(
        "A proof that cannot be read is 400",
        arguments: [
            "5", "true", "[]", "{}", #""text""#, #"{"challenge":"x"}"#, #"{"nonce":"1"}"#,
            #"{"challenge":"x","nonce":1}"#, #"{"challenge":5,"nonce":"1"}"#, #"{"challenge":"x","nonce":""}"#,
            #"{"challenge":"x","nonce":"1a"}"#, #"{"challenge":"x","nonce":"-1"}"#,
            #"{"challenge":"x","nonce":"123456789012345678901"}"#,
            #"{"challenge":"\#(String(repeating: "x", count: 257))","nonce":"1"}"#,
        ]
    )
    func unreadable(_ proof: String) throws {
        let bench = try WaitingRoomBench.rushed()
        let calls = bench.store.calls.count
        let answer = try bench.join(body: #"{"event_id":"demo","proof":\#(proof)}"#)
        #expect(try answer.status == 400 && answer.errorCode == "MALFORMED")
        #expect(bench.store.calls.count == calls)
        #expect(try bench.join(body: #"{"event_id":"demo","proof":null}"#).errorCode == "PROOF_REQUIRED")
    }

    @Test("A source is counted when it asks for work, not again when it has done it; who is limited is asked for none")
    func sources() throws {
        let limit = JoinLimit(text: "3/m")
        let rules = JoinRules(joinsPerSource: limit, proofOfWork: ProofOfWork(bits: 8, bitsMax: 10))
        let bench = try WaitingRoomBench.rushed(rules: rules)
        let address = [(GatewayField.address, "192.0.2.1")]
        let shown = try (0..<3).map { _ in try #require(ShownChallenge(try bench.join(address).json)) }
        #expect(try bench.join(address).errorCode == "RATE_LIMITED")
        for challenge in shown { #expect(try bench.join(body: try challenge.body(), address).status == 202) }
        let wrong = try shown[0].body(nonce: try shown[0].nonce(solving: false))
        #expect(try bench.join(body: wrong, address).errorCode == "RATE_LIMITED")
        #expect(try bench.join(body: try shown[0].body(), address).status == 202, "it has that place already")
    }

    @Test("A room that is switched off asks nobody, and a closed one refuses who has worked")
    func modes() throws {
        let off = try WaitingRoomBench.rushed(policy: limits(mode: .bypass))
        #expect(try off.join().status == 200)
        let closed = try WaitingRoomBench.rushed(policy: limits(mode: .closed))
        #expect(try closed.join(body: try closed.challenge().body()).errorCode == "ROOM_CLOSED")
    }

    @Test("Demanded, refused and taken proofs are counted, and the bits of the moment are shown")
    func metrics() throws {
        let directory = try TemporaryDirectory()
        let board = try #require(Scoreboard(path: directory.file("scoreboard"), row: 0))
        let bench = try WaitingRoomBench.rushed(scoreboard: board)
        let shown = try bench.challenge()
        _ = try bench.join(body: try shown.body(nonce: try shown.nonce(solving: false)))
        _ = try bench.join(body: try shown.body())
        let demanded = board.total(.proofsDemanded)
        #expect(demanded == 17, "30 and one have joined, and the first 14 were no rush yet")
        let text = try bench.send(Call("GET", "/metrics")).text
        for line in [
            "vestibule_proofs_total{outcome=\"demanded\"} 17", "vestibule_proofs_total{outcome=\"refused\"} 1",
            "vestibule_proofs_total{outcome=\"taken\"} 1", "vestibule_room_proof_bits{room=\"demo\"} 9",
            "vestibule_room_proof_bits{room=\"other\"} 0",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test("A bad proof costs a worker microseconds")
    func cost() throws {
        let bench = try WaitingRoomBench.rushed()
        let shown = try bench.challenge()
        let bodies = [
            ("demanded", #"{"event_id":"demo"}"#), ("good", try shown.body()),
            ("unsolved", try shown.body(nonce: try shown.nonce(solving: false))),
            ("forged", try shown.body().replacing(".9.", with: ".8.")),
        ]
        let rounds = 2000
        var figures = ""
        for (name, body) in bodies {
            let call = Call("POST", "/api/v1/queue/join", body: body)
            let status = try bench.send(call).status
            let request = call.request
            var answered = 0
            let spent = ContinuousClock().measure {
                for _ in 0..<rounds { bench.api.handle(request) { answered += $0.status == status ? 1 : 0 } }
            }
            let microseconds = spent / .microseconds(rounds)
            figures += "\(name): \((microseconds * 10).rounded() / 10) us\n"
            #expect(answered == rounds)
            // A hundred times what it takes: it says that nothing grows with what has been asked for before.
            #expect(microseconds < 2000, "\(name)")
        }
        let proof = try #require(Proof(challenge: shown.text, nonce: try shown.nonce()))
        let now = Int64(bench.nowMilliseconds)
        var valid = 0
        let spent = ContinuousClock().measure {
            for _ in 0..<rounds {
                let verdict = bench.keys.verify(proof, room: "demo", joinKey: nil, nowMilliseconds: now)
                valid += verdict == .valid ? 1 : 0
            }
        }
        #expect(valid == rounds)
        figures += "the verification alone: \(((spent / .microseconds(rounds)) * 10).rounded() / 10) us\n"
        Attachment.record(figures, named: "proof-cost.txt")
    }
}

struct GateProofTests {
    private func visit(_ bench: WaitingRoomBench, _ query: String = "", _ fields: [(GatewayField, String)] = []) throws
        -> Answer
    {
        let facts: [(GatewayField, String)] = [(.operation, "gate"), (.room, "demo"), (.verdict, "missing")]
        return try bench.send(Call("GET", "/shop\(query)", facts + [(.accept, "text/html")] + fields))
    }

    /// A room with places for everybody, in a rush.
    private func rushed() throws -> WaitingRoomBench { try .rushed(policy: limits(burst: 100)) }

    @Test("While work is asked for the gate gives no numbers: the page joins with a proof, and gets in")
    func held() throws {
        let bench = try rushed()
        let before = bench.joined
        for query in ["", "?vestibule-noscript=join", "?vestibule-noscript=wait"] {
            let page = try visit(bench, query)
            #expect(page.status == 503 && page["X-Accel-Redirect"] == nil && page.cookies.isEmpty)
            #expect(page.text.contains(#"data-step="join""#))
        }
        #expect(bench.joined == before)
        let inside = try bench.join(body: try bench.challenge(key: idempotency).body(), key: idempotency)
        #expect(inside.status == 200 && bench.joined == before + 1)
        bench.run(90_000)
        #expect(try visit(bench)["X-Accel-Redirect"] == "@vestibule_continue")
    }

    @Test("First contacts that are let in count as joins: a rush at the gate ends in work as well")
    func counted() throws {
        let rules = JoinRules(proofOfWork: ProofOfWork(bits: 8, bitsMax: 10))
        let bench = try WaitingRoomBench(policy: limits(burst: 100), rules: rules)
        bench.tick()
        let admitted = try (0..<50).count { _ in try visit(bench)["X-Accel-Redirect"] != nil }
        #expect(admitted == 14)
        // Those who were held have not been counted yet: it is their pages that join.
        #expect(try bench.challenge().bits == 8)
    }

    @Test("Who has a ticket is not asked again", arguments: [true, false])
    func holders(isInside: Bool) throws {
        let bench = try WaitingRoomBench.rushed(policy: limits(burst: isInside ? 100 : 1))
        let answer = try bench.join(body: try bench.challenge().body())
        let token = try #require(try answer.string("waiting_token"))
        bench.run(400)
        try bench.rush()
        let page = try visit(bench, "", [(.cookie, "vestibule-ticket-demo=\(token)")])
        #expect((page["X-Accel-Redirect"] != nil) == isInside)
        if !isInside { #expect(page.text.contains(#"data-step="poll""#)) }
    }

    @Test(
        "Without a script a visitor is told that the room needs one now, and tries again",
        arguments: [
            ("en", "this room needs JavaScript right now", "again in 15 s"),
            ("ko", "자바스크립트를 켜 주세요", "15초 후 다시 시도합니다"),
        ]
    )
    func noScript(_ language: String, _ told: String, _ later: String) throws {
        let bench = try rushed()
        for query in ["?item=7", "?item=7&vestibule-noscript=join"] {
            let page = try visit(bench, query, [(.acceptLanguage, language)])
            #expect(page.text.contains(told) && page.text.contains(later))
            let refresh = #"<meta http-equiv="refresh" content="15; url=?item=7&amp;vestibule-noscript=join">"#
            #expect(page.text.contains("\(refresh)</template>"))
        }
        bench.run(90_000)
        let inside = try visit(bench, "?item=7&vestibule-noscript=join")
        #expect(inside.status == 303 && inside["Location"] == "/shop?item=7")
    }

    @Test("The page says in both languages what it is doing while it works")
    func words() throws {
        let bench = try rushed()
        #expect(try visit(bench, "", [(.acceptLanguage, "en")]).text.contains("Preparing your place…"))
        #expect(try visit(bench, "", [(.acceptLanguage, "ko")]).text.contains("순서를 준비하고 있습니다…"))
    }
}
