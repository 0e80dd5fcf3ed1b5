// SPDX-License-Identifier: Apache-2.0
//
// Visitors against a server that is a few lines of code: no sockets, and time is a number.

import Load
import Testing

@Suite struct CrowdTests {
    /// Answers every request at once and keeps what was asked.
    private struct Script {
        var crowd: Crowd
        var requests: [DueRequest] = []
        var verdicts: [AnswerVerdict] = []
        var now = 0

        init(_ configure: (inout LoadPlan) -> Void) {
            var plan = LoadPlan()
            plan.visitorCount = 1
            plan.arrivals = .spike(seconds: 0.001)
            configure(&plan)
            crowd = Crowd(plan)
        }

        /// Runs until a time; `answer` gives status and body.
        mutating func run(to end: Int, _ answer: (DueRequest) -> (Int, String)) {
            while now <= end {
                crowd.advance(toMilliseconds: now)
                while let request = crowd.nextRequest() {
                    requests.append(request)
                    let (status, body) = answer(request)
                    let verdict = Array(body.utf8).withUnsafeBytes { bytes in
                        crowd.receive(
                            request,
                            status: status,
                            body: bytes,
                            sentMicroseconds: now * 1000,
                            nowMicroseconds: now * 1000
                        )
                    }
                    if verdict != .fine { verdicts.append(verdict) }
                }
                now += 1
            }
        }

        var kinds: [RequestKind] { requests.map(\.kind) }
    }

    private static let joined = #"{"waiting_token":"v1.k1.demo.1.42.5.mac","status":"waiting","poll_after_ms":100}"#
    private static let waiting = #"{"status":"waiting","position":7,"poll_after_ms":100,"degraded":false}"#
    private static let ready = #"{"status":"ready","poll_after_ms":1000}"#
    /// A pass whose `sub` is 42.
    private static let pass =
        "h.eyJpc3MiOiJ2ZXN0aWJ1bGUiLCJhdWQiOiJkZW1vIiwic3ViIjoiNDIiLCJqdGkiOiJ4In0.mac"
    private static let granted = #"{"admission":"granted","pass":"\#(pass)"}"#

    @Test func `a visitor joins, polls when told, enters when ready, and fetches the backend once`() {
        var script = Script { _ in }
        script.run(to: 2000) { request in
            switch request.kind {
            case .join: (202, Self.joined)
            case .status: request.intendedMilliseconds < 250 ? (200, Self.waiting) : (200, Self.ready)
            case .enter: (200, Self.granted)
            case .backend: (200, "<h1>backend</h1>")
            case .leave: (500, "")
            }
        }
        #expect(script.kinds == [.join, .status, .status, .status, .enter, .backend])
        #expect(script.requests.map(\.intendedMilliseconds).prefix(4) == [0, 100, 200, 300])
        #expect(script.verdicts == [])
        #expect(script.crowd.counts.admitted == 1)
        #expect(script.crowd.counts.ended == 1)
        #expect(script.crowd.counts.passMismatches == 0)
        #expect(script.crowd.entries.map(\.number) == [42])
        #expect(script.crowd.entries[0].lastWaitingMicroseconds == 200_000)
    }

    @Test func `a visitor who is admitted at once goes to the backend`() {
        var script = Script { _ in }
        script.run(to: 100) { request in
            request.kind == .join
                ? (200, #"{"waiting_token":"v1.k1.demo.1.41.5.mac","status":"admitted","pass":"\#(Self.pass)"}"#)
                : (200, "backend")
        }
        #expect(script.kinds == [.join, .backend])
        #expect(script.crowd.counts.passMismatches == 1, "the ticket says 41, the pass 42")
    }

    @Test func `a request carries the ticket or the pass it needs`() {
        var texts: [String] = []
        var plan = LoadPlan()
        plan.isSecure = true
        let writer = RequestWriter(plan)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestWriter.byteCountMax, alignment: 1)
        defer { buffer.deallocate() }
        let ticket = Array("T.I".utf8)
        let pass = Array("P.A.S".utf8)
        for kind in RequestKind.allCases {
            let length = ticket.withUnsafeBytes { ticket in
                pass.withUnsafeBytes {
                    let person = JoinPerson(visitor: 41, lastNumber: 7)
                    return writer.write(kind, ticket: ticket, pass: $0, person: person, into: buffer)
                }
            }
            texts.append(String(decoding: buffer[..<length], as: UTF8.self))
        }
        #expect(texts[0].hasSuffix("Content-Length: 19\r\n\r\n{\"event_id\":\"demo\"}"))
        #expect(texts[0].contains("-00000000000000290000000000000007\r\n"), "the key of the page, \(texts[0])")
        #expect(texts[1].hasPrefix("GET /api/v1/queue/status?token=T.I HTTP/1.1\r\n"))
        #expect(texts[2].hasSuffix("Content-Length: 23\r\n\r\n{\"waiting_token\":\"T.I\"}"))
        #expect(texts[3].hasPrefix("DELETE /api/v1/queue/leave?token=T.I HTTP/1.1\r\n"))
        #expect(texts[4].hasSuffix("Cookie: __Host-vestibule-pass-demo=P.A.S\r\n\r\n"))
    }

    @Test func `leavers leave within their time, silent visitors just stop`() {
        var script = Script {
            $0.visitorCount = 1000
            $0.leaverShare = 0.3
            $0.silentShare = 0.2
            $0.quitWithinMilliseconds = 2000
        }
        script.run(to: 2300) { request in
            switch request.kind {
            case .join: (202, Self.joined)
            case .status: (200, Self.waiting)
            default: (200, #"{"status":"left"}"#)
            }
        }
        #expect((220...380).contains(script.crowd.counts.left), "\(script.crowd.counts.left)")
        #expect((140...260).contains(script.crowd.counts.silent), "\(script.crowd.counts.silent)")
        #expect(script.kinds.count { $0 == .leave } == script.crowd.counts.left)
        let waiting = 1000 - script.crowd.counts.ended
        #expect(script.crowd.sleepingCount == waiting, "everybody else still polls")
    }

    @Test(arguments: [PollAim.polls(perSecond: 1800), .requests(perSecond: 1800)])
    func `a rate is held from the arrival on, and near visitors poll more often than far ones`(aim: PollAim) {
        var script = Script {
            $0.visitorCount = 4000
            $0.arrivals = .spike(seconds: 4)
            $0.polling = aim
        }
        // A tenth is near; left alone, all would poll about 400 * 2 + 3600 / 5 = 1520 times a second.
        script.run(to: 12_000) { request in
            // Hints are never the same twice, as the product's are not: a crowd must not poll in step.
            let mix = (Int(request.visitor) * 7919 + request.intendedMilliseconds * 31) % 1000
            let hint = request.visitor % 10 == 0 ? 400 + mix / 5 : 3000 + mix * 4
            return request.kind == .join
                ? (202, #"{"waiting_token":"v1.k1.demo.1.42.5.mac","status":"waiting","poll_after_ms":\#(hint)}"#)
                : (200, #"{"status":"waiting","poll_after_ms":\#(hint)}"#)
        }
        let counted = script.requests.filter { aim == .requests(perSecond: 1800) || $0.kind == .status }
        for second in 3..<12 {
            let count = counted.count { $0.intendedMilliseconds / 1000 == second }
            #expect(abs(count - 1800) < 60, "second \(second): \(count)")
        }
        let late = script.requests.filter { $0.kind == .status && $0.intendedMilliseconds >= 6000 }
        let near = Double(late.count { $0.visitor % 10 == 0 }) / 400
        let far = Double(late.count { $0.visitor % 10 != 0 }) / 3600
        #expect((8.5...11.5).contains(near / far), "\(near / far)")
    }

    @Test func `overload is an error and is tried again when told, a refusal is final`() {
        var script = Script { _ in }
        script.run(to: 3000) { request in
            if request.kind == .join { return (202, Self.joined) }
            return request.intendedMilliseconds < 150
                ? (503, #"{"error":{"code":"STORE_UNAVAILABLE"},"poll_after_ms":400}"#)
                : (410, #"{"error":{"code":"EXPIRED"}}"#)
        }
        #expect(script.kinds == [.join, .status, .status])
        #expect(script.requests[2].intendedMilliseconds == 500)
        #expect(script.verdicts == [.error("503 STORE_UNAVAILABLE"), .error("410 EXPIRED")])
        #expect(script.crowd.counts.lost == 1)
    }

    @Test func `a visitor who may not enter yet tries again, and that is no error`() {
        var script = Script { _ in }
        script.run(to: 1000) { request in
            switch request.kind {
            case .join: return (202, Self.joined)
            case .status: return (200, Self.ready)
            default:
                return request.intendedMilliseconds < 150
                    ? (403, #"{"error":{"code":"NOT_READY"},"poll_after_ms":250}"#) : (200, Self.granted)
            }
        }
        #expect(script.crowd.counts.notReady == 1)
        #expect(script.verdicts == [.error("200 without the backend")], "the pass is not the backend's page")
    }

    @Test func `a request without an answer is sent again`() {
        var script = Script { _ in }
        script.crowd.advance(toMilliseconds: 0)
        guard let request = script.crowd.nextRequest() else {
            Issue.record("the visitor has arrived and wants to join")
            return
        }
        script.crowd.noteNoAnswer(request, nowMilliseconds: 10)
        script.now = 1
        script.run(to: 1010) { _ in (202, Self.joined) }
        #expect(script.requests.map(\.intendedMilliseconds) == [1010])
    }

    @Test(
        arguments: [
            { (plan: inout LoadPlan) in plan.port = 0 }, { $0.visitorCount = 0 }, { $0.visitorCount = 5_000_000 },
            { $0.durationMilliseconds = 0 }, { $0.durationMilliseconds = 4_000_000 }, { $0.connectionCount = 0 },
            {
                $0.leaverShare = 0.7; $0.silentShare = 0.4
            }, { $0.leaverShare = .nan }, { $0.room = "a b" },
            { $0.room = "a\"b" }, { $0.backendPath = "x" }, { $0.backendPath = "/a\r\nb" },
            { $0.polling = .polls(perSecond: 0) },
            { $0.polling = .requests(perSecond: .nan) }, { $0.requestRateMax = 0 }, { $0.timeoutMilliseconds = 0 },
            { $0.gatherMicroseconds = 10_001 },
        ] as [@Sendable (inout LoadPlan) -> Void]
    )
    func `a plan beyond its bounds is refused`(_ spoil: @Sendable (inout LoadPlan) -> Void) {
        var plan = LoadPlan()
        #expect(plan.problem == nil)
        spoil(&plan)
        #expect(plan.problem != nil)
    }
}
