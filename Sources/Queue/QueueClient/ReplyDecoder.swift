// SPDX-License-Identifier: Apache-2.0
//
// The scripts' replies, as documented in their headers, turned into the words of Admission. Nil: out of shape.

internal import Admission

enum ReplyDecoder {
    static func join(_ reply: RedisReply, count: Int) -> JoinReply? {
        guard let values = reply.arrayValue?.map(\.integerValue), values.count == 3 + 3 * count,
            let now = values[0], let generation = values[1], let waiting = values[2]
        else { return nil }
        var outcomes: [JoinOutcome] = []
        for i in 0..<count {
            guard let code = values[3 + 3 * i], let number = values[4 + 3 * i], let time = values[5 + 3 * i],
                let outcome = joinOutcome(code: code, number: number, time: time)
            else { return nil }
            outcomes.append(outcome)
        }
        return JoinReply(nowMilliseconds: now, generation: generation, waiting: waiting, outcomes: outcomes)
    }

    private static func joinOutcome(code: Int, number: Int, time: Int) -> JoinOutcome? {
        switch code {
        case 1: .waiting(number: number, position: time)
        case 2: .admitted(number: number, passExpiresMilliseconds: time)
        case 3: .known(number: number, issuedMilliseconds: time)
        case 4: .closed
        case 5: .full
        case 6: .noRoom
        case 7: .bypassed
        default: nil
        }
    }

    static func visits(_ reply: RedisReply, count: Int) -> [StandingReply]? {
        guard let values = reply.arrayValue?.map(\.integerValue), values.count == 2 + 3 * count,
            let now = values[0], let waiting = values[1]
        else { return nil }
        var replies: [StandingReply] = []
        for i in 0..<count {
            guard let code = values[2 + 3 * i], let time = values[3 + 3 * i], let position = values[4 + 3 * i],
                let standing = standing(code: code, time: time)
            else { return nil }
            replies.append(
                StandingReply(standing: standing, nowMilliseconds: now, waiting: waiting, position: position)
            )
        }
        return replies
    }

    private static func standing(code: Int, time: Int) -> Standing? {
        switch code {
        case 1: .waiting
        case 2: .called(deadlineMilliseconds: time)
        case 3: .entered(passExpiresMilliseconds: time)
        case 4: .left
        case 5: .expired
        case 6: .retry(afterMilliseconds: time)
        case 7: .fenced
        default: nil
        }
    }

    static func tick(_ reply: RedisReply) -> TickReply? {
        guard let parts = reply.arrayValue, parts.count == 5, let chunks = parts[3].arrayValue,
            let overrides = parts[4].arrayValue, let state = integers(parts[0]), state.count == 16,
            let policyValues = integers(parts[1]),
            let policy = RoomPolicy(scriptArguments: policyValues), let flow = integers(parts[2])
        else { return nil }
        var tick = TickReply()
        tick.nowMilliseconds = state[0]
        tick.generation = state[1]
        tick.version = state[2]
        tick.next = state[3]
        tick.head = state[4]
        tick.waiting = state[5]
        tick.called = state[6]
        tick.active = state[7]
        tick.openedMilliseconds = state[8]
        tick.counters.joined = state[9]
        tick.counters.entered = state[10]
        tick.counters.left = state[11]
        tick.counters.abandoned = state[12]
        tick.counters.lapsed = state[13]
        tick.counters.returned = state[14]
        tick.incarnation = state[15]
        tick.policy = policy
        tick.overrides = overrides.map(\.integerValue)
        for i in stride(from: 0, to: flow.count - 1, by: 2) { tick.flow.append((flow[i], flow[i + 1])) }
        for i in stride(from: 0, to: chunks.count - 1, by: 2) {
            guard let index = chunks[i].integerValue else { return nil }
            tick.chunks.append((index, chunks[i + 1].bytesValue))
        }
        return tick
    }

    private static func integers(_ reply: RedisReply) -> [Int]? {
        guard let elements = reply.arrayValue else { return nil }
        let values = elements.compactMap(\.integerValue)
        return values.count == elements.count ? values : nil
    }
}
