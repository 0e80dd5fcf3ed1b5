// SPDX-License-Identifier: Apache-2.0
//
// The model's side of the protocol between client and scripts: reads the words of a call and writes those of a reply,
// by the names that ScriptLayout gives them.
// A call with too few words, or words of another kind, stops the program, because it is a mistake of the client.

internal import Admission
internal import QueueClient

/// The words of a call behind its keys, read one after the other, or a layout at a time.
struct ScriptCall {
    /// The words of one layout.
    struct Named<Field: ScriptLayout> {
        fileprivate let words: ArraySlice<RedisArgument>

        subscript(_ field: Field) -> Int { argument(field).integer }

        func text(_ field: Field) -> String { argument(field).text }

        func bytes(_ field: Field) -> [UInt8] { argument(field).bytes }

        private func argument(_ field: Field) -> RedisArgument { words[words.startIndex + field.rawValue] }
    }

    typealias Known = ModelServer.Known

    let script: QueueScript
    private let words: [RedisArgument]
    private var at: Int

    /// - Parameter command: EVALSHA or EVAL, the script, the number of keys, the keys, and the words.
    init(_ script: QueueScript, command: [RedisArgument]) {
        self.script = script
        words = command
        at = 3 + command[2].integer
    }

    var isAtEnd: Bool { at == words.count }

    private mutating func take(_ count: Int) -> ArraySlice<RedisArgument> {
        precondition(at + count <= words.count, "\(script): the client has sent fewer words than the script takes")
        defer { at += count }
        return words[at..<at + count]
    }

    private mutating func word() -> RedisArgument { take(1)[at - 1] }

    private mutating func take<Field: ScriptLayout>(_ layout: Field.Type) -> Named<Field> {
        Named(words: take(layout.allCases.count))
    }

    /// The limits of the caller's file and its revision, which stand first; nil when they are none.
    mutating func limits() -> (policy: RoomPolicy, revision: Int)? {
        let policy = RoomPolicy(scriptArguments: take(PolicyField.allCases.count).map(\.integer))
        let revision = word().integer
        return policy.map { ($0, revision) }
    }

    mutating func joins() -> (known: Known, batch: [JoinRequest]) {
        let arg = take(JoinArgument.self)
        var batch: [JoinRequest] = []
        while !isAtEnd {
            let item = take(JoinItem.self)
            guard let kind = JoinKind(rawValue: item.text(.kind)) else { preconditionFailure("no such kind of join") }
            batch.append(JoinRequest(scriptKind: kind, scriptKey: item.text(.key)))
        }
        let known = Known(generation: arg[.knownGeneration], next: arg[.knownNext], incarnation: arg[.knownIncarnation])
        return (known, batch)
    }

    mutating func visit() -> (action: VisitAction, claim: TicketClaim) {
        let item = take(VisitItem.self)
        guard let action = VisitAction(rawValue: item.text(.action)) else { preconditionFailure("no such action") }
        let claim = TicketClaim(
            generation: item[.generation],
            number: item[.number],
            issuedMilliseconds: item[.issuedMs]
        )
        return (action, claim)
    }

    mutating func tick() -> (request: TickRequest, known: Known) {
        let arg = take(TickArgument.self)
        var request = TickRequest()
        request.generation = arg[.knownGeneration]
        request.version = arg[.knownVersion]
        request.entered = arg[.knownEntered]
        request.flowSecond = arg[.flowSecond]
        request.tickMilliseconds = arg[.tickMs]
        request.heartbeatEpoch = arg[.heartbeatEpoch]
        while !isAtEnd { request.heartbeats.append((word().integer, word().bytes)) }
        let known = Known(generation: arg[.knownGeneration], next: arg[.knownNext], incarnation: arg[.knownIncarnation])
        return (request, known)
    }

    mutating func draw() -> DrawAction {
        let arg = take(DrawArgument.self)
        switch arg.text(.action) {
        case "prepare": return .prepare(commitment: arg.text(.a), seed: arg.text(.b))
        case "announce": return .announce(source: arg.text(.a))
        case "beacon": return .beacon(value: arg.text(.a))
        case "read": return .read
        case "apply":
            var chunks: [DrawChunk] = []
            while !isAtEnd {
                chunks.append(DrawChunk(index: word().integer, waiting: word().bytes, left: word().bytes))
            }
            return .apply(version: arg[.a], chunks)
        case "bring":
            let texts = (0..<5).map { _ in word().text }
            return .bring(
                RoomDraw(
                    state: DrawState(rawValue: arg[.c]) ?? .none,
                    first: arg[.a],
                    behind: arg[.b],
                    commitment: texts[0],
                    seed: texts[1],
                    source: texts[2],
                    beacon: texts[3],
                    openedMilliseconds: Int(texts[4]) ?? 0
                )
            )
        default: preconditionFailure("no such action")
        }
    }

    /// The mark that a client asks for news with. This script takes no limits.
    mutating func mark() -> Int { take(NewsArgument.self)[.since] }

    mutating func memory() -> RoomMemory {
        let arg = take(RestoreArgument.self)
        var memory = RoomMemory(
            generation: arg[.generation],
            next: arg[.knownNext],
            openedMilliseconds: arg[.openedMs],
            firstTokens: arg[.firstTokens],
            epochMilliseconds: arg[.epochMs],
            claimMilliseconds: arg[.claimMs],
            passMilliseconds: arg[.passMs],
            version: arg[.knownVersion],
            incarnation: arg[.incarnation],
            overrides: RoomPolicy.noOverrides,
            chunks: []
        )
        for _ in 0..<(arg[.overrideWords] / 2) {
            let (field, value) = (PolicyField(rawValue: word().text), word().integer)
            guard let index = PolicyField.allCases.firstIndex(where: { $0 == field }) else {
                preconditionFailure("no limit")
            }
            memory.overrides[index] = value
        }
        for _ in 0..<arg[.entryChunks] {
            let chunk = take(RestoreChunk.self)
            for _ in 0..<chunk[.pages] {
                let page = take(RestorePage.self)
                memory.entries += EntryChunk.entries(
                    page: page[.page],
                    records: page.bytes(.records),
                    isRenewed: chunk[.isRenewed] == 1
                )
            }
        }
        while !isAtEnd { memory.chunks.append((word().integer, word().bytes)) }
        return memory
    }
}

extension RedisArgument {
    fileprivate var integer: Int {
        guard case .integer(let value) = self else { preconditionFailure("\(self) is not a number") }
        return value
    }

    fileprivate var bytes: [UInt8] {
        guard case .bytes(let value) = self else { preconditionFailure("\(self) is not text") }
        return value
    }

    fileprivate var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension RedisReply {
    static func integers(_ values: [Int]) -> RedisReply { .array(values.map { .integer($0) }) }

    /// The words of a layout in its order; those that are not named are 0.
    static func words<Field: ScriptLayout>(_ values: KeyValuePairs<Field, Int>) -> [Int] {
        var words = Array(repeating: 0, count: Field.allCases.count)
        for (field, value) in values { words[field.rawValue] = value }
        return words
    }

    init(_ reply: JoinReply) {
        func words(_ code: JoinCode, _ number: Int = 0, _ time: Int = 0) -> [Int] {
            RedisReply.words([JoinResult.code: code.rawValue, .number: number, .time: time])
        }
        self = .integers(
            RedisReply.words(
                [JoinReplyField.now: reply.nowMilliseconds, .generation: reply.generation, .waiting: reply.waiting]
            )
                + reply.outcomes.flatMap { outcome in
                    switch outcome {
                    case .waiting(let number, let position): words(.waiting, number, position)
                    case .admitted(let number, let expires): words(.admitted, number, expires)
                    case .known(let number, let issued): words(.known, number, issued)
                    case .closed: words(.closed)
                    case .full: words(.full)
                    case .noRoom: words(.noRoom)
                    case .bypassed: words(.bypassed)
                    case .passed: words(.passed)
                    }
                }
        )
    }

    init(_ replies: [StandingReply]) {
        func words(_ code: StandingCode, _ time: Int = 0) -> [Int] {
            RedisReply.words([VisitResult.code: code.rawValue, .time: time])
        }
        let last = replies.last
        self = .integers(
            RedisReply.words([VisitReplyField.now: last?.nowMilliseconds ?? 0, .waiting: last?.waiting ?? 0])
                + replies.flatMap { reply in
                    switch reply.standing {
                    case .waiting: words(.waiting, reply.place)
                    case .called(let deadline): words(.called, deadline)
                    case .entered(let expires): words(reply.isRenewable ? .renewable : .entered, expires)
                    case .left: words(.left)
                    case .expired: words(.expired)
                    case .retry(let after): words(.retry, after)
                    case .fenced: words(.fenced)
                    case .moved: words(.moved)
                    }
                }
        )
    }

    init(_ news: RoomNews) {
        let words = RedisReply.words(
            [
                NewsReplyField.now: news.nowMilliseconds, .mark: news.mark, .isNew: news.isNew ? 1 : 0,
                .isCut: news.isCut ? 1 : 0,
            ]
        )
        self = .array(words.map { .integer($0) } + news.rooms.map { .bytes(Array($0.utf8)) })
    }

    init(_ draw: DrawReply) {
        switch draw {
        case .done: self = .integer(1)
        case .refused: self = .integer(0)
        case .bits(let version, let chunks):
            self = .array(
                [.integer(version)] + chunks.flatMap { [.integer($0.index), .bytes($0.waiting), .bytes($0.left)] }
            )
        }
    }

    init(_ tick: TickReply) {
        self = .array(
            TickPart.allCases.map { part in
                switch part {
                case .state: .integers(TickField.allCases.map { tick[keyPath: $0.place] })
                case .policy: .integers(tick.policy.scriptArguments)
                case .flow: .integers(tick.flow.flatMap { [$0.second, $0.entries] })
                case .chunks:
                    .array(tick.chunks.flatMap { [.integer($0.index), $0.bitmap.map { .bytes($0) } ?? .integer(0)] })
                case .texts: .array(TickText.allCases.map { .bytes(Array($0.text(of: tick).utf8)) })
                case .overrides: .array(tick.overrides.map { $0.map { .integer($0) } ?? .bytes([]) })
                }
            }
        )
    }
}

extension TickText {
    fileprivate func text(of tick: TickReply) -> String {
        switch self {
        case .notice: tick.notice
        case .commitment: tick.draw.commitment
        case .seed: tick.draw.seed
        case .source: tick.draw.source
        case .beacon: tick.draw.beacon
        case .opened: tick.draw.openedMilliseconds > 0 ? "\(tick.draw.openedMilliseconds)" : ""
        }
    }
}
