// SPDX-License-Identifier: Apache-2.0
//
// What all visitors of a run do, without input or output: time and answers come in, requests go out. A visitor joins,
// polls when the answer says so, enters when called, fetches the backend once; some leave or fall silent on the way.

internal import Chance

/// A request that is due.
public struct DueRequest: Equatable, Sendable {
    /// The visitor that sends it.
    public let visitor: UInt32
    /// What it asks.
    public let kind: RequestKind
    /// When it should have been sent, milliseconds from the start.
    public let intendedMilliseconds: Int
}

/// What an answer meant.
public enum AnswerVerdict: Equatable, Sendable {
    /// As hoped, including "wait" and "not ready yet".
    case fine
    /// An error that reports list under this name; the visitor tries again or gives up.
    case error(String)
}

/// How many visitors have come how far.
public struct CrowdCounts: Sendable, Equatable {
    public var joined = 0
    public var admitted = 0
    public var fetched = 0
    public var left = 0
    public var silent = 0
    /// Places the server called expired or left although the visitor did not want that.
    public var lost = 0
    /// Gave up after an answer that trying again does not mend.
    public var gaveUp = 0
    /// Enter requests answered with NOT_READY.
    public var notReady = 0
    /// Answers that said degraded.
    public var degraded = 0
    /// Passes whose number is not the ticket's.
    public var passMismatches = 0

    /// Visitors who will send nothing more.
    public var ended: Int { fetched + left + silent + lost + gaveUp }
}

/// All visitors of one run.
public struct Crowd {
    /// How long after a failure a visitor tries again.
    private static let retryMilliseconds = 1000
    /// Longer hints are cut: the product's longest is far below.
    private static let hintMillisecondsMax = 60_000

    private let plan: LoadPlan
    private var visitors: [Visitor]
    /// Joins, entries, leaves and fetches, by real time.
    private var wheel: TimerWheel
    /// Polls, by the clock of polls.
    private var pollWheel: TimerWheel
    private var pollClock: PollClock
    private var othersSinceAdvance = 0
    private var woken: [WakeUp] = []
    private var dueVisitors: IndexQueue
    private var tickets: TicketArena
    /// Passes between enter and the fetch.
    private var passes: [UInt32: [UInt8]] = [:]
    private var random: SplitMix64
    private let backendMark: [UInt8]
    private var promises: WaitPromises
    public private(set) var counts = CrowdCounts()
    /// Everybody who entered.
    public private(set) var entries: [EntryRecord] = []

    /// Makes the visitors and their arrivals.
    public init(_ plan: LoadPlan) {
        self.plan = plan
        visitors = [Visitor](repeating: Visitor(), count: plan.visitorCount)
        wheel = TimerWheel(visitorCount: plan.visitorCount)
        pollWheel = TimerWheel(visitorCount: plan.visitorCount)
        pollClock = PollClock(plan.polling)
        dueVisitors = IndexQueue(capacity: plan.visitorCount)
        tickets = TicketArena(visitorCount: plan.visitorCount)
        random = SplitMix64(seed: plan.seed)
        backendMark = Array(plan.backendMark.utf8)
        promises = WaitPromises(visitorCount: plan.judgesWaits ? plan.visitorCount : 0)
        var arrivals = ArrivalSequence(plan.arrivals)
        for index in visitors.indices {
            wheel.set(UInt32(index), atMilliseconds: arrivals.next(using: &random))
            let chance = Double.random(in: 0..<1, using: &random)
            if chance < plan.leaverShare {
                visitors[index].quitting = .leaves
            } else if chance < plan.leaverShare + plan.silentShare {
                visitors[index].quitting = .fallsSilent
            }
        }
    }

    /// How the promised waits turned out; nothing unless the plan judges them.
    public var waitOutcome: WaitOutcome { promises.outcome(fromMilliseconds: plan.waitsFromMilliseconds) }

    /// Visitors whose request is due and not sent.
    public var queuedCount: Int { dueVisitors.count }

    /// Visitors with a wake-up ahead.
    public var sleepingCount: Int { wheel.count + pollWheel.count }

    /// Lets time pass; requests that become due are queued.
    public mutating func advance(toMilliseconds now: Int) {
        woken.removeAll(keepingCapacity: true)
        wheel.advance(toMilliseconds: now, into: &woken)
        for wakeUp in woken { queue(wakeUp.visitor, dueMilliseconds: wakeUp.dueMilliseconds) }
        pollClock.advance(realMilliseconds: now, others: othersSinceAdvance)
        othersSinceAdvance = 0
        while pollClock.step() {
            woken.removeAll(keepingCapacity: true)
            pollWheel.advance(toMilliseconds: pollClock.nowMilliseconds, into: &woken)
            pollClock.spend(woken.count)
            let isReal = plan.polling == .asTold
            for wakeUp in woken { queue(wakeUp.visitor, dueMilliseconds: isReal ? wakeUp.dueMilliseconds : now) }
        }
    }

    private mutating func queue(_ visitor: UInt32, dueMilliseconds: Int) {
        visitors[Int(visitor)].intendedMilliseconds = UInt32(clamping: dueMilliseconds)
        dueVisitors.append(visitor)
    }

    /// The next request to send. A visitor who falls silent is taken out here; one who leaves does so instead of
    /// polling.
    public mutating func nextRequest() -> DueRequest? {
        while let index = dueVisitors.popFirst() {
            let visitor = visitors[Int(index)]
            var kind = visitor.next
            if kind == .status, visitor.quitting != .never,
                visitor.quitMilliseconds <= visitor.intendedMilliseconds
            {
                if visitor.quitting == .fallsSilent {
                    counts.silent += 1
                    continue
                }
                kind = .leave
                visitors[Int(index)].next = .leave
            }
            if kind != .status { othersSinceAdvance += 1 }
            return DueRequest(visitor: index, kind: kind, intendedMilliseconds: Int(visitor.intendedMilliseconds))
        }
        return nil
    }

    /// Gives the ticket and the pass a request needs; what is not needed is empty.
    public func withTokens<Result>(
        of visitor: UInt32,
        _ body: (_ ticket: UnsafeRawBufferPointer, _ pass: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        tickets.withTicket(of: visitors[Int(visitor)]) { ticket in
            guard visitors[Int(visitor)].next == .backend, let pass = passes[visitor] else {
                return body(ticket, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return pass.withUnsafeBytes { body(ticket, $0) }
        }
    }

    /// What the join of a visitor is known by.
    public func person(_ visitor: UInt32) -> JoinPerson {
        JoinPerson(visitor: visitor, lastNumber: visitors[Int(visitor)].number)
    }

    // MARK: - Answers

    /// Takes the answer to a visitor's request.
    /// - Parameters:
    ///   - sentMicroseconds: when the request was sent, from the start of the run.
    ///   - nowMicroseconds: when the answer was complete.
    public mutating func receive(
        _ request: DueRequest,
        status: Int,
        body bytes: UnsafeRawBufferPointer,
        sentMicroseconds: Int,
        nowMicroseconds: Int
    ) -> AnswerVerdict {
        let index = Int(request.visitor)
        let body = AnswerBody(bytes)
        let now = nowMicroseconds / 1000
        switch (request.kind, status) {
        case (.join, 200), (.join, 202):
            return joined(request.visitor, body, sentMicroseconds, nowMicroseconds)
        case (.status, 200):
            if body.isDegraded { counts.degraded += 1 }
            return toldWhereItStands(index, body, sentMicroseconds, now)
        case (.enter, 200):
            return entered(request.visitor, body, nowMicroseconds)
        case (.enter, 403):
            counts.notReady += 1
            wake(index, .enter, at: now + (body.pollAfterMilliseconds ?? Crowd.retryMilliseconds))
            return .fine
        case (.leave, 200):
            counts.left += 1
            return .fine
        case (.backend, 200):
            passes[request.visitor] = nil
            counts.fetched += 1
            guard backendMark.isEmpty || bytes.contains(backendMark) else { return .error("200 without the backend") }
            return .fine
        default:
            return refused(request, status, bytes, now)
        }
    }

    /// Takes note that a request is to be sent again at once; its latency counts from the first time.
    public mutating func sendAgain(_ request: DueRequest) {
        visitors[Int(request.visitor)].next = request.kind
        queue(request.visitor, dueMilliseconds: request.intendedMilliseconds)
    }

    /// Takes note that a request got no answer; the visitor sends it again.
    public mutating func noteNoAnswer(_ request: DueRequest, nowMilliseconds: Int) {
        wake(Int(request.visitor), request.kind, at: nowMilliseconds + Crowd.retryMilliseconds)
    }

    private mutating func joined(
        _ visitor: UInt32,
        _ body: AnswerBody,
        _ sentMicroseconds: Int,
        _ nowMicroseconds: Int
    ) -> AnswerVerdict {
        let index = Int(visitor)
        guard let token = body.ticket, let number = TokenNumber.ofTicket(token), let place = tickets.add(token) else {
            counts.gaveUp += 1
            return .error("join without a ticket")
        }
        counts.joined += 1
        visitors[index].ticketOffset = place.offset
        visitors[index].ticketLength = place.length
        visitors[index].number = number
        if body.pass != nil { return entered(visitor, body, nowMicroseconds) }
        let now = nowMicroseconds / 1000
        if visitors[index].quitting != .never {
            let wait = Int.random(in: 0..<plan.quitWithinMilliseconds, using: &random)
            visitors[index].quitMilliseconds = UInt32(clamping: now + wait)
        }
        keepWaiting(index, body, sentMicroseconds, now)
        return .fine
    }

    private mutating func toldWhereItStands(
        _ index: Int,
        _ body: AnswerBody,
        _ sentMicroseconds: Int,
        _ now: Int
    ) -> AnswerVerdict {
        switch body.standing {
        case .waiting:
            keepWaiting(index, body, sentMicroseconds, now)
        case .mayEnter:
            if plan.judgesWaits { promises.called(index, atMilliseconds: now) }
            wake(index, .enter, at: now)
        case .over:
            counts.lost += 1
        case nil:
            wake(index, .status, at: now + Crowd.retryMilliseconds)
            return .error("200 without a status")
        }
        return .fine
    }

    private mutating func keepWaiting(_ index: Int, _ body: AnswerBody, _ sentMicroseconds: Int, _ now: Int) {
        let hint = min(max(body.pollAfterMilliseconds ?? Crowd.retryMilliseconds, 1), Crowd.hintMillisecondsMax)
        visitors[index].lastWaitingMilliseconds = UInt32(clamping: sentMicroseconds / 1000)
        visitors[index].next = .status
        if plan.judgesWaits { promises.promised(index, body, atMilliseconds: now) }
        // A visitor leaves in time, also when the next poll would come later.
        if visitors[index].quitting == .leaves, plan.polling == .asTold,
            now + hint >= Int(visitors[index].quitMilliseconds)
        {
            wake(index, .leave, at: Int(visitors[index].quitMilliseconds))
        } else {
            pollWheel.set(
                UInt32(index),
                atMilliseconds: pollClock.dueMilliseconds(hintMilliseconds: hint)
            )
        }
    }

    private mutating func entered(_ visitor: UInt32, _ body: AnswerBody, _ nowMicroseconds: Int) -> AnswerVerdict {
        let index = Int(visitor)
        guard let pass = body.pass, (1...1024).contains(pass.count) else {
            counts.gaveUp += 1
            return .error("entered without a pass")
        }
        counts.admitted += 1
        if TokenNumber.ofPass(pass) != visitors[index].number { counts.passMismatches += 1 }
        entries.append(
            EntryRecord(
                number: visitors[index].number,
                enteredMicroseconds: nowMicroseconds,
                lastWaitingMicroseconds: Int(visitors[index].lastWaitingMilliseconds) * 1000
            )
        )
        passes[visitor] = Array(pass)
        wake(index, .backend, at: nowMicroseconds / 1000)
        return .fine
    }

    /// An answer with an error status. Overload and faults are tried again, everything else is final.
    private mutating func refused(
        _ request: DueRequest,
        _ status: Int,
        _ bytes: UnsafeRawBufferPointer,
        _ now: Int
    ) -> AnswerVerdict {
        let code = bytes.text(of: "\"code\":\"").map { " " + String(decoding: $0, as: UTF8.self) } ?? ""
        let index = Int(request.visitor)
        if status == 429 || status >= 500 {
            let wait = AnswerBody(bytes).pollAfterMilliseconds ?? Crowd.retryMilliseconds
            wake(index, request.kind, at: now + wait)
        } else {
            passes[request.visitor] = nil
            if status == 410 { counts.lost += 1 } else { counts.gaveUp += 1 }
        }
        return .error("\(status)\(code)")
    }

    private mutating func wake(_ index: Int, _ kind: RequestKind, at milliseconds: Int) {
        visitors[index].next = kind
        wheel.set(UInt32(index), atMilliseconds: milliseconds)
    }
}
