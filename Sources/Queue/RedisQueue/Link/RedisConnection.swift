// SPDX-License-Identifier: Apache-2.0
//
// One connection to Redis through hiredis' asynchronous interface, on the worker's own loop. hiredis 0.14 has no
// timeouts and does not reconnect: both are here. It decides nothing about queues.
//
//   idle ──open()──▶ connecting ──connected──▶ greeting ──AUTH and scripts loaded──▶ ready
//    ▲                   │                        │                                   │
//    └──── backoff ◀─────┴────── error, deadline ─┴───────────────────────────────────┘

internal import CHiredis
public import QueueClient
public import Reactor

public final class RedisConnection {
    public typealias Completion = RedisCompletion

    private enum State: Equatable {
        case idle
        case connecting
        case greeting
        case ready
        case backoff
        case closed
    }

    private struct Pending {
        let completion: Completion
        let deadlineMilliseconds: Int
    }

    private let loop: EventLoop
    private let endpoint: RedisEndpoint
    private let timing: RedisTiming
    /// Commands to run on every new connection before anything else (script loads).
    private let greeting: RedisGreeting
    private let name: String
    private let log: (String) -> Void

    private var state = State.idle
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var registration: Registration?
    private var wanted: IOEvents = []
    private var watched: IOEvents = []
    private var pending: [Pending] = []
    private var pendingHead = 0
    private var connectDeadlineMilliseconds = 0
    private var backoffMilliseconds: Int
    private var lastError = "not connected yet"
    /// Why this side drops the connection; what is in flight then fails with it.
    private var dropFailure: RedisFailure?
    /// What Redis said to a greeting it refused.
    private var greetingError: String?
    private var deadlines: Timer?
    private var encoder = RESPEncoder()
    /// Names the process at the other end, if the greeting has asked for it.
    private var server: [UInt8] = []
    /// When a replica is left at the soonest, and how long after that the next one.
    private var nextLeaveMilliseconds = 0
    private var leaveMilliseconds = 2000
    private var awaySinceMilliseconds: Int?
    private var awayLoggedMilliseconds = 0

    /// Called whenever the connection becomes usable or stops being so.
    public var onReadyChange: ((Bool) -> Void)?
    /// How often a connection was made; 1 after the first.
    public private(set) var connectionCount = 0
    /// How often a connection was tried.
    public private(set) var attemptCount = 0

    /// - Parameters:
    ///   - greeting: every reply must be free of errors, or the connection is dropped and tried again.
    ///   - name: what the log calls the other end.
    ///   - log: called at every transition, and once a minute while Redis stays away.
    public init(
        loop: EventLoop,
        endpoint: RedisEndpoint,
        timing: RedisTiming = RedisTiming(),
        greeting: RedisGreeting = [],
        name: String = "redis",
        log: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.timing = timing
        self.greeting = greeting
        self.name = name
        self.log = log
        self.backoffMilliseconds = timing.backoffFirstMilliseconds
        // One timer for all deadlines: they are in order, so only the oldest needs a look.
        deadlines = loop.schedule(afterMilliseconds: 50, repeatingMilliseconds: 50) { [weak self] in
            self?.checkDeadlines()
        }
    }

    public var isReady: Bool { state == .ready }
    /// Commands sent and not answered.
    public var inFlight: Int { pending.count - pendingHead }
    public var lastErrorText: String { lastError }

    /// Starts to connect, and keeps connected until `close()`.
    public func open() {
        guard state == .idle || state == .backoff else { return }
        state = .connecting
        attemptCount += 1
        connectDeadlineMilliseconds = loop.nowMilliseconds + timing.connectMilliseconds
        let made: UnsafeMutablePointer<redisAsyncContext>? =
            switch endpoint.address {
            case .unix(let path): redisAsyncConnectUnix(path)
            case .tcp(let address, let port): redisAsyncConnect(address, Int32(port))
            }
        guard let made else { return retry("out of memory") }
        if made.pointee.err != 0 {
            let text = RedisConnection.errorText(made)
            redisAsyncFree(made)
            return retry(text)
        }
        attach(made)
    }

    /// Ends the connection; what is in flight fails.
    public func close() {
        state = .closed
        lastError = "closed"
        deadlines?.cancel()
        if let context { redisAsyncFree(context) }
    }

    /// Sends a command. The completion runs later in the loop, or at once when there is no connection.
    public func send(_ arguments: [RedisArgument], _ completion: @escaping Completion) {
        guard state == .ready else { return completion(.failure(.unavailable(lastError))) }
        guard inFlight < timing.inFlightMax else { return completion(.failure(.busy)) }
        submit(arguments, completion)
    }

    /// Drops the connection for what Redis has said on it, and makes another one. Safe in a completion.
    func renew(_ reason: String) {
        if state == .ready || state == .greeting { drop(reason, .unavailable(reason)) }
    }

    /// Drops the connection to a server that has become a replica: behind a forwarder the master is found only by a new
    /// connection. Rarer and rarer while that finds a replica, too.
    func leaveReplica(_ reason: String) {
        guard loop.nowMilliseconds >= nextLeaveMilliseconds else { return }
        nextLeaveMilliseconds = loop.nowMilliseconds + leaveMilliseconds
        leaveMilliseconds = min(2 * leaveMilliseconds, timing.awayLogMilliseconds)
        renew(reason)
    }

    /// Writes what this turn of the loop has gathered, in one write. Call it at the end of the turn.
    public func flush() {
        if let context, wanted.contains(.writable), state == .ready || state == .greeting {
            redisAsyncHandleWrite(context)
        }
        updateInterest()
    }

    // MARK: - Commands

    private func submit(_ arguments: [RedisArgument], _ completion: @escaping Completion) {
        guard let context else { return completion(.failure(.unavailable(lastError))) }
        encoder.begin(argumentCount: arguments.count)
        for argument in arguments { encoder.append(argument, server: server) }
        let sent = encoder.bytes.withUnsafeBytes { raw in
            redisAsyncFormattedCommand(
                context,
                { context, reply, _ in
                    guard let context, let data = context.pointee.data else { return }
                    let connection = Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue()
                    connection.received(reply?.assumingMemoryBound(to: redisReply.self))
                },
                nil,
                raw.baseAddress?.assumingMemoryBound(to: CChar.self),
                raw.count
            )
        }
        guard sent == REDIS_OK else { return completion(.failure(.unavailable("the connection is closing"))) }
        pending.append(
            Pending(
                completion: completion,
                deadlineMilliseconds: loop.nowMilliseconds + timing.commandMilliseconds
            )
        )
    }

    /// hiredis answers in order, and answers with nil for each command in flight when the connection ends.
    private func received(_ reply: UnsafeMutablePointer<redisReply>?) {
        precondition(pendingHead < pending.count, "a reply without a command: replies would go to the wrong visitor")
        let next = pending[pendingHead]
        pendingHead += 1
        if pendingHead == pending.count || pendingHead > 4096 {
            pending.removeFirst(pendingHead)
            pendingHead = 0
        }
        if let reply {
            next.completion(.success(RedisReply(copying: reply)))
        } else {
            next.completion(.failure(dropFailure ?? .unavailable(lastError)))
        }
    }

    private func checkDeadlines() {
        let now = loop.nowMilliseconds
        if let greetingError {
            drop(greetingError, .unavailable(greetingError))
        } else if state == .connecting || state == .greeting, now >= connectDeadlineMilliseconds {
            drop("no answer within \(timing.connectMilliseconds) ms while connecting", .timedOut)
        } else if pendingHead < pending.count, now >= pending[pendingHead].deadlineMilliseconds {
            drop("no reply within \(timing.commandMilliseconds) ms", .timedOut)
        }
    }

    private func drop(_ reason: String, _ failure: RedisFailure) {
        lastError = reason
        dropFailure = failure
        if let context { redisAsyncFree(context) }
        dropFailure = nil
    }

    // MARK: - Life of a connection

    private func connected() {
        connectionCount += 1
        state = .greeting
        var commands = greeting.commands
        if let password = endpoint.password {
            let user = endpoint.username.map { [RedisArgument($0)] } ?? []
            commands.insert(["AUTH"] + user + [RedisArgument(password)], at: 0)
        }
        var left = commands.count
        if left == 0 { return greeted() }
        for command in commands {
            submit(command) { [weak self] result in
                guard let self, self.state == .greeting else { return }
                switch result {
                case .success(.error(let text)):
                    // Dropped by the timer: inside the callback hiredis would free the context only afterwards.
                    self.greetingError = self.greetingError ?? RedisReply.explained(error: text)
                case .success(let reply):
                    self.greetingError = self.greetingError ?? self.greeting.complaint(about: reply)
                    if let server = RedisGreeting.server(in: reply) { self.server = server }
                    self.greeting.warning(about: reply).map { self.log("\(self.name): \($0)") }
                    if self.greetingError != nil { return }
                    left -= 1
                    if left == 0 { self.greeted() }
                case .failure:
                    break  // The connection is ending, and with it the greeting.
                }
            }
        }
    }

    private func greeted() {
        state = .ready
        backoffMilliseconds = timing.backoffFirstMilliseconds
        awaySinceMilliseconds = nil
        log("\(name) connected")
        onReadyChange?(true)
    }

    /// The context is gone (hiredis frees it after this). Tries again later.
    private func ended(_ reason: String) {
        let wasReady = state == .ready
        let reason = greetingError ?? reason
        context = nil
        greetingError = nil
        wanted = []
        watched = []
        guard state != .closed else { return }
        retry(reason)
        if wasReady { onReadyChange?(false) }
    }

    private func retry(_ reason: String) {
        logAway(reason)
        lastError = reason
        state = .backoff
        let jitter = Int.random(in: 0...(backoffMilliseconds / 2))
        loop.schedule(afterMilliseconds: backoffMilliseconds + jitter) { [weak self] in
            guard let self, self.state == .backoff else { return }
            self.open()
        }
        backoffMilliseconds = min(backoffMilliseconds * 2, timing.backoffLastMilliseconds)
    }

    private func logAway(_ reason: String) {
        let now = loop.nowMilliseconds
        if let since = awaySinceMilliseconds {
            guard now - awayLoggedMilliseconds >= timing.awayLogMilliseconds else { return }
            log("\(name) still away after \((now - since) / 1000) s: \(reason)")
        } else {
            awaySinceMilliseconds = now
            log("\(name) away: \(reason)")
        }
        awayLoggedMilliseconds = now
    }

    // MARK: - hiredis on the loop (what hiredis/adapters/*.h do for other loops)

    private func attach(_ made: UnsafeMutablePointer<redisAsyncContext>) {
        context = made
        let me = Unmanaged.passUnretained(self).toOpaque()
        made.pointee.data = me
        made.pointee.ev.data = me
        // Safe because close() or deinit frees the context before the connection goes: `me` outlives it.
        made.pointee.ev.addRead = { RedisConnection.from($0).wanted.insert(.readable) }
        made.pointee.ev.delRead = { RedisConnection.from($0).wanted.remove(.readable) }
        made.pointee.ev.addWrite = { RedisConnection.from($0).wanted.insert(.writable) }
        made.pointee.ev.delWrite = { RedisConnection.from($0).wanted.remove(.writable) }
        made.pointee.ev.cleanup = { RedisConnection.from($0).detach() }
        redisAsyncSetConnectCallback(made) { context, status in
            guard let context, let data = context.pointee.data else { return }
            let connection = Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue()
            if status == REDIS_OK {
                connection.connected()
            } else {
                connection.ended(RedisConnection.errorText(context))
            }
        }
        redisAsyncSetDisconnectCallback(made) { context, _ in
            guard let context, let data = context.pointee.data else { return }
            let connection = Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue()
            if context.pointee.err != 0 { connection.lastError = RedisConnection.errorText(context) }
        }
        do {
            registration = try loop.add(fd: made.pointee.c.fd, events: [.writable]) { [weak self] events in
                self?.ready(events)
            }
            watched = [.writable]
            wanted.insert(.writable)
        } catch {
            redisAsyncFree(made)
        }
    }

    private func ready(_ events: IOEvents) {
        if !events.isDisjoint(with: [.readable, .hangUp, .error, .peerClosed]), let context {
            redisAsyncHandleRead(context)
        }
        // The read may have ended the connection.
        if events.contains(.writable), let context { redisAsyncHandleWrite(context) }
        updateInterest()
    }

    private func updateInterest() {
        guard let registration, context != nil, wanted != watched else { return }
        try? loop.modify(registration, events: wanted)
        watched = wanted
    }

    /// hiredis is about to close the descriptor. Every path of its `free` comes through here.
    private func detach() {
        if let registration { loop.remove(registration) }
        registration = nil
        let reason = context.map { $0.pointee.err != 0 ? RedisConnection.errorText($0) : lastError } ?? lastError
        if context != nil { ended(reason) }
    }

    private static func from(_ data: UnsafeMutableRawPointer?) -> RedisConnection {
        Unmanaged<RedisConnection>.fromOpaque(data!).takeUnretainedValue()
    }

    private static func errorText(_ context: UnsafePointer<redisAsyncContext>) -> String {
        context.pointee.errstr.map { String(cString: $0) } ?? "unknown error"
    }

    deinit {
        state = .closed
        if let context { redisAsyncFree(context) }
    }
}
