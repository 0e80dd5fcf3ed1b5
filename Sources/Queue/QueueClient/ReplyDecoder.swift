// SPDX-License-Identifier: Apache-2.0
//
// The scripts' replies turned into the words of Admission, each value read by the name that ScriptLayout gives it. Nil:
// out of shape. Whatever Redis holds, no number that would end the program gets further: places in the line are never
// negative, and all are below 2^53.

public import Admission

package enum ReplyDecoder {
    package static func join(_ reply: RedisReply, count: Int) -> JoinReply? {
        guard let (head, items) = ScriptWords<JoinReplyField>.split(reply, JoinResult.self, count: count)
        else { return nil }
        let outcomes = items.compactMap { item in
            guard item[.number] >= 0, item[.time] >= 0 else { return nil as JoinOutcome? }
            return JoinCode(rawValue: item[.code]).map { outcome($0, number: item[.number], time: item[.time]) }
        }
        guard outcomes.count == count else { return nil }
        return JoinReply(
            nowMilliseconds: head[.now],
            generation: head[.generation],
            waiting: head[.waiting],
            outcomes: outcomes
        )
    }

    private static func outcome(_ code: JoinCode, number: Int, time: Int) -> JoinOutcome {
        switch code {
        case .waiting: .waiting(number: number, position: time)
        case .admitted: .admitted(number: number, passExpiresMilliseconds: time)
        case .known: .known(number: number, issuedMilliseconds: time)
        case .closed: .closed
        case .full: .full
        case .noRoom: .noRoom
        case .bypassed: .bypassed
        case .passed: .passed
        }
    }

    package static func visits(_ reply: RedisReply, count: Int) -> [StandingReply]? {
        guard let (head, items) = ScriptWords<VisitReplyField>.split(reply, VisitResult.self, count: count)
        else { return nil }
        let replies = items.compactMap { item in
            guard item[.time] >= 0 else { return nil as StandingReply? }
            return StandingCode(rawValue: item[.code]).map { code in
                StandingReply(
                    standing: standing(code, time: item[.time]),
                    nowMilliseconds: head[.now],
                    waiting: head[.waiting],
                    place: code == .waiting ? item[.time] : 0,
                    isRenewable: code == .renewable
                )
            }
        }
        return replies.count == count ? replies : nil
    }

    private static func standing(_ code: StandingCode, time: Int) -> Standing {
        switch code {
        case .waiting: .waiting
        case .called: .called(deadlineMilliseconds: time)
        case .entered, .renewable: .entered(passExpiresMilliseconds: time)
        case .left: .left
        case .expired: .expired
        case .retry: .retry(afterMilliseconds: time)
        case .fenced: .fenced
        case .moved: .moved
        }
    }

    package static func tick(_ reply: RedisReply) -> TickReply? {
        guard let parts = reply.arrayValue, parts.count == TickPart.allCases.count,
            let chunks = parts[.chunks].arrayValue, let overrides = parts[.overrides].arrayValue,
            let state = ScriptWords<TickField>(parts[.state]), let limits = integers(parts[.policy]),
            let policy = RoomPolicy(scriptArguments: limits), let flow = integers(parts[.flow]),
            let texts = TickTexts(parts[.texts]), DrawState(rawValue: state[.drawState]) != nil
        else { return nil }
        var tick = TickReply()
        for field in TickField.allCases {
            guard state[field] >= 0 || field.mayBeNegative else { return nil }
            tick[keyPath: field.place] = state[field]
        }
        tick.policy = policy
        tick.notice = texts[.notice]
        tick.draw.commitment = texts[.commitment]
        tick.draw.seed = texts[.seed]
        tick.draw.source = texts[.source]
        tick.draw.beacon = texts[.beacon]
        tick.draw.openedMilliseconds = Int(texts[.opened]) ?? 0
        tick.overrides = overrides.map(\.integerValue)
        for i in stride(from: 0, to: flow.count - 1, by: 2) { tick.flow.append((flow[i], flow[i + 1])) }
        for i in stride(from: 0, to: chunks.count - 1, by: 2) {
            guard let index = chunks[i].integerValue, chunkIndexes.contains(index) else { return nil }
            tick.chunks.append((index, chunks[i + 1].bytesValue))
        }
        return tick
    }

    /// The version, and for each chunk its index and two bitmaps; or whether it was done.
    package static func draw(_ reply: RedisReply) -> DrawReply? {
        if let number = reply.integerValue { return number == 0 ? .refused : .done }
        guard let words = reply.arrayValue, words.count % 3 == 1, let version = words[0].integerValue else {
            return nil
        }
        var chunks: [DrawChunk] = []
        for at in stride(from: 1, to: words.count, by: 3) {
            guard let index = words[at].integerValue, chunkIndexes.contains(index),
                let waiting = words[at + 1].bytesValue, let left = words[at + 2].bytesValue
            else { return nil }
            chunks.append(DrawChunk(index: index, waiting: waiting, left: left))
        }
        return .bits(version: version, chunks)
    }

    package static func news(_ reply: RedisReply) -> RoomNews? {
        let count = NewsReplyField.allCases.count
        guard let words = reply.arrayValue, words.count >= count,
            let head = ScriptWords<NewsReplyField>(words[..<count].map(\.integerValue)[...]),
            head[.now] >= 0, head[.mark] >= 0
        else { return nil }
        let names = words[count...].compactMap(\.bytesValue).map { String(decoding: $0, as: UTF8.self) }
        return RoomNews(
            nowMilliseconds: head[.now],
            mark: head[.mark],
            isNew: head[.isNew] != 0,
            isCut: head[.isCut] != 0,
            rooms: names
        )
    }

    /// Twice as far as the places behind everybody reach.
    private static let chunkIndexes = 0...2 * QueueConstants.lateChunks

    private static func integers(_ reply: RedisReply) -> [Int]? {
        guard let elements = reply.arrayValue else { return nil }
        let values = elements.compactMap(\.integerValue)
        return values.count == elements.count ? values : nil
    }
}

/// The texts of a tick, by their names.
private struct TickTexts {
    private let texts: [String]

    init?(_ reply: RedisReply) {
        let found = reply.arrayValue?.compactMap(\.bytesValue)
        guard let found, found.count == TickText.allCases.count else { return nil }
        texts = found.map { String(decoding: $0, as: UTF8.self) }
    }

    subscript(_ text: TickText) -> String { texts[text.rawValue] }
}

extension TickReply {
    /// A number that is no state leaves it as it is.
    fileprivate var drawStateNumber: Int {
        get { draw.state.rawValue }
        set { draw.state = DrawState(rawValue: newValue) ?? draw.state }
    }
}

extension [RedisReply] {
    fileprivate subscript(_ part: TickPart) -> RedisReply { self[part.rawValue] }
}

extension TickField {
    /// Tokens may be owed, and a caller without a file has no revision.
    fileprivate var mayBeNegative: Bool { self == .callTokens || self == .revision }

    /// Where a number of the state stands in Swift.
    public var place: WritableKeyPath<TickReply, Int> {
        switch self {
        case .now: \.nowMilliseconds
        case .generation: \.generation
        case .version: \.version
        case .next: \.next
        case .head: \.head
        case .waiting: \.waiting
        case .called: \.called
        case .active: \.active
        case .openedMs: \.openedMilliseconds
        case .joined: \.counters.joined
        case .entered: \.counters.entered
        case .left: \.counters.left
        case .abandoned: \.counters.abandoned
        case .lapsed: \.counters.lapsed
        case .returned: \.counters.returned
        case .incarnation: \.incarnation
        case .callTokens: \.callTokens
        case .revision: \.revision
        case .askedAbandonMs: \.askedAbandonMilliseconds
        case .drawState: \.drawStateNumber
        case .drawFirst: \.draw.first
        case .drawBehind: \.draw.behind
        case .lapsesLeft: \.lapsesLeft
        }
    }
}
