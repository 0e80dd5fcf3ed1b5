// SPDX-License-Identifier: Apache-2.0
//
// A run on the event loop: time goes into the crowd, its requests go out over free connections, answers come back.
// The model is open: when a request is due does not depend on how fast earlier ones are answered, and latency counts
// from when it was due.

internal import Glibc
public import Reactor

/// One run. Create it in the thread of its loop.
public final class LoadRun {
    /// The visitors' clock starts when all connections are open, or after this long: handshakes are not what is
    /// measured.
    private static let openingMilliseconds = 3000
    /// How long answers are waited for after the last request may have been sent.
    private static let drainMilliseconds = 2000

    private let plan: LoadPlan
    private let loop: EventLoop
    private let writer: RequestWriter
    private let progress: (String) -> Void
    private var connections: [LoadConnection] = []
    /// Idle connections, first in, first out, so that all of them and all of nginx's workers are used alike.
    private var idle: IndexQueue
    private var inFlight = 0
    /// When the visitors' clock started, by the monotonic clock; 0 before.
    private var startMicroseconds = 0
    private var allowance: Double = 0
    private var allowanceMicroseconds = 0
    private var isRunning = false
    private var isEnding = false
    private var lastTimer: Timer?
    private var pacing = RatePacing()
    public private(set) var crowd: Crowd
    public private(set) var statistics = LoadStatistics()
    /// Milliseconds the run took, without the draining at its end.
    public private(set) var elapsedMilliseconds = 0

    /// - Parameters:
    ///   - plan: must have no problem.
    ///   - progress: gets a line a second.
    public init(_ plan: LoadPlan, on loop: EventLoop, progress: @escaping (String) -> Void) {
        precondition(plan.problem == nil, "a plan is checked before it is run")
        self.plan = plan
        self.loop = loop
        self.progress = progress
        writer = RequestWriter(plan)
        crowd = Crowd(plan)
        idle = IndexQueue(capacity: plan.connectionCount)
    }

    /// Runs to the end of the plan, or until every visitor has finished, or until `stop()`.
    public func run() {
        let tls = plan.isSecure ? TLSClient() : nil
        precondition(!plan.isSecure || tls != nil, "OpenSSL has no memory")
        connections = (0..<plan.connectionCount).map { index in
            LoadConnection(index: UInt32(index), loop: loop, port: plan.port, tls: tls, owner: self)
        }
        for connection in connections { connection.open() }
        let opening = loop.schedule(afterMilliseconds: LoadRun.openingMilliseconds) { [unowned self] in self.start() }
        let ticks = loop.schedule(afterMilliseconds: 0, repeatingMilliseconds: 1) { [unowned self] in self.tick() }
        let seconds = loop.schedule(afterMilliseconds: 1000, repeatingMilliseconds: 1000) { [unowned self] in
            self.eachSecond()
        }
        isRunning = true
        if plan.gatherMicroseconds > 0 {
            loop.beforeSleep { [weak self] in
                if let self, self.isRunning { usleep(UInt32(self.plan.gatherMicroseconds)) }
            }
        }
        loop.run()
        isRunning = false
        opening.cancel()
        ticks.cancel()
        seconds.cancel()
        lastTimer?.cancel()
        statistics.unsent = crowd.queuedCount
        statistics.unanswered = inFlight
        for connection in connections { connection.close() }
        connections = []
    }

    /// Ends the run early; answers under way are still waited for.
    public func stop() {
        guard !isEnding else { return }
        isEnding = true
        elapsedMilliseconds = max(1, nowMicroseconds / 1000)
        lastTimer = loop.schedule(afterMilliseconds: LoadRun.drainMilliseconds) { [loop] in loop.stop() }
        if inFlight == 0 { loop.stop() }
    }

    private static func clockMicroseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    private var nowMicroseconds: Int {
        startMicroseconds == 0 ? 0 : LoadRun.clockMicroseconds() - startMicroseconds
    }

    private func start() {
        if startMicroseconds == 0 { startMicroseconds = LoadRun.clockMicroseconds() }
    }

    // MARK: - Time

    private func tick() {
        guard !isEnding, startMicroseconds != 0 else { return }
        let now = nowMicroseconds
        crowd.advance(toMilliseconds: now / 1000)
        dispatch()
        if now / 1000 >= plan.durationMilliseconds || crowd.counts.ended == plan.visitorCount { stop() }
    }

    private func eachSecond() {
        guard startMicroseconds != 0 else { return }
        let limit = nowMicroseconds - plan.timeoutMilliseconds * 1000
        for connection in connections { connection.expire(sentBeforeMicroseconds: limit) }
        let polls = statistics[.status].count
        let pace = pacing.second(answered: statistics.answered, polls: polls)
        let counts = crowd.counts
        progress(
            "\(nowMicroseconds / 1_000_000) s: \(pace.answers) requests/s (\(pace.polls) polls), "
                + "joined \(counts.joined), entered \(counts.admitted), left \(counts.left), in flight \(inFlight), "
                + "due \(crowd.queuedCount), errors \(statistics.errorCount)"
        )
    }

    // MARK: - Sending

    /// Sends what is due while there is a connection and the rate cap allows it.
    private func dispatch() {
        guard idle.count > 0, crowd.queuedCount > 0, !isEnding else { return }
        var now = nowMicroseconds
        refillAllowance(now)
        while idle.count > 0, allowance >= 1, let due = crowd.nextRequest() {
            guard let index = idle.popFirst() else { return }
            allowance -= 1
            inFlight += 1
            statistics.sent += 1
            now = nowMicroseconds
            let late = now - due.intendedMilliseconds * 1000
            if late > statistics.queueingMicrosecondsMax { statistics.queueingMicrosecondsMax = late }
            let person = crowd.person(due.visitor)
            connections[Int(index)].send(SentRequest(due: due, sentMicroseconds: now)) { buffer in
                crowd.withTokens(of: due.visitor) {
                    writer.write(due.kind, ticket: $0, pass: $1, person: person, into: buffer)
                }
            }
        }
    }

    /// The cap over any time is its rate plus what 20 ms hold.
    private func refillAllowance(_ now: Int) {
        let rate = Double(plan.requestRateMax)
        allowance = min(allowance + rate * Double(now - allowanceMicroseconds) / 1e6, max(1, rate / 50))
        allowanceMicroseconds = now
    }

    // MARK: - What connections report

    func connectionIsIdle(_ connection: LoadConnection) {
        idle.append(connection.index)
        if idle.count == connections.count { start() }
        dispatch()
    }

    func answered(_ request: SentRequest, _ status: Int, _ body: UnsafeRawBufferPointer) {
        inFlight -= 1
        let now = nowMicroseconds
        statistics.record(
            request.due.kind,
            latencyMicroseconds: now - request.due.intendedMilliseconds * 1000,
            serviceMicroseconds: now - request.sentMicroseconds
        )
        let verdict = crowd.receive(
            request.due,
            status: status,
            body: body,
            sentMicroseconds: request.sentMicroseconds,
            nowMicroseconds: now
        )
        if case .error(let name) = verdict { statistics.recordError(request.due.kind, name) }
        if isEnding && inFlight == 0 { loop.stop() }
    }

    /// A server may close a kept connection at any time, also while a request is on its way. As browsers do (RFC 9110,
    /// 9.2.2), the request is sent again at once, on a new connection, where a second close is an error.
    func requestCrossedClose(_ connection: LoadConnection, _ lost: SentRequest) {
        inFlight -= 1
        statistics.resent += 1
        crowd.sendAgain(lost.due)
        if !isEnding { connection.open() }
        if isEnding && inFlight == 0 { loop.stop() }
    }

    func connectionFailed(_ connection: LoadConnection, _ failure: ConnectionFailure, _ lost: SentRequest?) {
        removeIdle(connection)
        if let lost {
            inFlight -= 1
            statistics.recordError(lost.due.kind, failure.rawValue)
            crowd.noteNoAnswer(lost.due, nowMilliseconds: nowMicroseconds / 1000)
            if isEnding && inFlight == 0 { loop.stop() }
        } else if failure == .refused || failure == .handshake {
            statistics.recordError(nil, failure.rawValue)
        }
        // Not at once: a server that is down must not be hammered.
        loop.schedule(afterMilliseconds: 100) { [weak self, weak connection] in
            if let self, !self.isEnding { connection?.open() }
        }
    }

    /// Rare, so a walk over the ring is fine.
    private func removeIdle(_ connection: LoadConnection) {
        for _ in 0..<idle.count {
            if let index = idle.popFirst(), index != connection.index { idle.append(index) }
        }
    }
}

/// Rates from counts that only grow, second by second.
struct RatePacing {
    private var answeredBefore = 0
    private var pollsBefore = 0

    mutating func second(answered: Int, polls: Int) -> (answers: Int, polls: Int) {
        let answers = answered - answeredBefore
        let recentPolls = polls - pollsBefore
        answeredBefore = answered
        pollsBefore = polls
        return (answers, recentPolls)
    }
}
