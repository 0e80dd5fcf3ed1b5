// SPDX-License-Identifier: Apache-2.0
//
// The model's side of the protocol between client and scripts: reads the words of a call, as the headers of the scripts
// document them, and writes replies in the scripts' shape. It mirrors what QueueClient writes and reads.

internal import Admission
internal import QueueClient

/// The words of a call behind its keys, read one after the other.
struct ScriptCall {
    /// How many words of policy stand in front of the others.
    private static let policyWords = RoomPolicy.standard.scriptArguments.count

    let script: QueueScript
    private let words: [RedisArgument]
    private var at: Int

    /// - Parameter command: EVALSHA or EVAL, the script, the number of keys, the keys, and the words.
    init(_ script: QueueScript, command: [RedisArgument]) {
        self.script = script
        words = command
        at = 2
        let keys = integer()
        at += keys
    }

    var isAtEnd: Bool { at == words.count }

    private mutating func word() -> RedisArgument {
        precondition(at < words.count, "\(script): the client has sent fewer words than the script takes")
        defer { at += 1 }
        return words[at]
    }

    mutating func integer() -> Int {
        guard case .integer(let value) = word() else { preconditionFailure("\(script): word \(at) is not a number") }
        return value
    }

    mutating func bytes() -> [UInt8] {
        guard case .bytes(let value) = word() else { preconditionFailure("\(script): word \(at) is not text") }
        return value
    }

    mutating func text() -> String { String(decoding: bytes(), as: UTF8.self) }

    mutating func policy() -> RoomPolicy? {
        RoomPolicy(scriptArguments: (0..<ScriptCall.policyWords).map { _ in integer() })
    }

    mutating func join() -> JoinRequest {
        guard let kind = JoinKind(rawValue: text()) else { preconditionFailure("\(script): no such kind of join") }
        let (key, isPerson) = (text(), kind == .person || kind == .personGate)
        return JoinRequest(
            kind: kind == .gate || kind == .personGate ? .gate : .join,
            key: key.isEmpty ? nil : isPerson ? .person(key) : .retry(key)
        )
    }

    mutating func visit() -> (action: VisitAction, claim: TicketClaim) {
        guard let action = VisitAction(rawValue: text()) else { preconditionFailure("\(script): no such action") }
        return (action, TicketClaim(generation: integer(), number: integer(), issuedMilliseconds: integer()))
    }

    mutating func tick() -> (request: TickRequest, known: ModelServer.Known) {
        var (request, known) = (TickRequest(), ModelServer.Known())
        request.generation = integer()
        request.version = integer()
        known.next = integer()
        request.entered = integer()
        request.flowSecond = integer()
        request.tickMilliseconds = integer()
        known.incarnation = integer()
        request.heartbeatEpoch = integer()
        while !isAtEnd { request.heartbeats.append((integer(), bytes())) }
        known.generation = request.generation
        return (request, known)
    }

    mutating func memory() -> RoomMemory {
        var memory = RoomMemory(
            generation: integer(),
            next: integer(),
            openedMilliseconds: integer(),
            firstTokens: integer(),
            epochMilliseconds: integer(),
            incarnation: integer(),
            overrides: RoomPolicy.noOverrides,
            chunks: []
        )
        let (overrideWords, entryCount) = (integer(), integer())
        for _ in 0..<(overrideWords / 2) {
            let (field, value) = (text(), integer())
            guard let index = PolicyField.allCases.firstIndex(where: { $0.rawValue == field }) else {
                preconditionFailure("\(field) is no limit")
            }
            memory.overrides[index] = value
        }
        for _ in 0..<entryCount { memory.entries.append((integer(), integer())) }
        while !isAtEnd { memory.chunks.append((integer(), bytes())) }
        return memory
    }
}

extension RedisReply {
    static func integers(_ values: [Int]) -> RedisReply { .array(values.map { .integer($0) }) }

    init(_ reply: JoinReply) {
        self = .integers(
            [reply.nowMilliseconds, reply.generation, reply.waiting]
                + reply.outcomes.flatMap { outcome -> [Int] in
                    switch outcome {
                    case .waiting(let number, let position): [JoinCode.waiting.rawValue, number, position]
                    case .admitted(let number, let expires): [JoinCode.admitted.rawValue, number, expires]
                    case .known(let number, let issued): [JoinCode.known.rawValue, number, issued]
                    case .closed: [JoinCode.closed.rawValue, 0, 0]
                    case .full: [JoinCode.full.rawValue, 0, 0]
                    case .noRoom: [JoinCode.noRoom.rawValue, 0, 0]
                    case .bypassed: [JoinCode.bypassed.rawValue, 0, 0]
                    }
                }
        )
    }

    init(_ replies: [StandingReply]) {
        self = .integers(
            [replies.last?.nowMilliseconds ?? 0, replies.last?.waiting ?? 0]
                + replies.flatMap { reply -> [Int] in
                    switch reply.standing {
                    case .waiting: [StandingCode.waiting.rawValue, reply.place]
                    case .called(let deadline): [StandingCode.called.rawValue, deadline]
                    case .entered(let expires): [StandingCode.entered.rawValue, expires]
                    case .left: [StandingCode.left.rawValue, 0]
                    case .expired: [StandingCode.expired.rawValue, 0]
                    case .retry(let after): [StandingCode.retry.rawValue, after]
                    case .fenced: [StandingCode.fenced.rawValue, 0]
                    }
                }
        )
    }

    init(_ tick: TickReply) {
        self = .array([
            .integers(TickField.allCases.map { tick[keyPath: $0.place] }),
            .integers(tick.policy.scriptArguments),
            .integers(tick.flow.flatMap { [$0.second, $0.entries] }),
            .array(tick.chunks.flatMap { [.integer($0.index), $0.bitmap.map { .bytes($0) } ?? .integer(0)] }),
            .array(tick.overrides.map { $0.map { .integer($0) } ?? .bytes([]) }),
        ])
    }
}
