// SPDX-License-Identifier: Apache-2.0
//
// The model's draw of places among those who have registered before the doors opened (draw.lua, and what prelude.lua
// does at the opening). It uses Admission only. A visitor waits at one place: the registered number until the places
// are drawn, and the new one after that.

public import Admission

extension QueueModel {
    /// Nobody is called before the doors are open and the places are drawn. In bypass everybody passes.
    var isHeld: Bool {
        if policy.mode == .ended { return true }
        return policy.mode != .bypass && (clockMilliseconds < policy.opensMilliseconds || draw.state == .opened)
    }

    /// Whether the number is a registration whose visitor has another number now.
    func hasMoved(_ number: Int) -> Bool { draw.state == .drawn && draw.hasRegistered(number) }

    /// Ends the registration at its time: as many numbers as were registered are kept for the places.
    mutating func openDoors(_ now: Int) {
        guard draw.state == .registering else { return }
        if policy.draw == .off {
            draw.state = .none
        } else if now >= policy.opensMilliseconds {
            // After a loss, or a ticket from before it, the numbers have a gap of millions: nobody is registered in it.
            (draw.state, draw.behind) = (.opened, min(next, draw.first + QueueConstants.registeredMax))
            next = max(next, 2 * draw.behind - draw.first)
            draw.openedMilliseconds = policy.opensMilliseconds
        }
    }

    /// As a tick shows it.
    var shownDraw: RoomDraw {
        guard draw.state == .none else { return draw }
        var shown = RoomDraw()
        (shown.first, shown.behind) = (draw.first, draw.behind)
        return shown
    }

    public mutating func draw(_ action: DrawAction, nowMilliseconds: Int) -> DrawReply {
        let now = advance(to: nowMilliseconds)
        let isDrawing = draw.state == .opened && (policy.draw != .beacon || !draw.beacon.isEmpty)
        switch action {
        case .prepare(let commitment, let seed):
            guard policy.draw != .off, now < policy.opensMilliseconds, draw.state == .none || draw.state == .drawn
            else { return .refused }
            draw = RoomDraw()
            drawClaimedMilliseconds = 0
            (draw.state, draw.first, draw.commitment, draw.seed) = (.registering, next, commitment, seed)
            return .done
        case .announce(let source):
            guard draw.state == .registering else { return .refused }
            draw.source = source
            return .done
        case .beacon(let value):
            guard draw.state == .opened, policy.draw == .beacon, draw.beacon.isEmpty else { return .refused }
            draw.beacon = value
            return .done
        case .read:
            guard isDrawing, now - drawClaimedMilliseconds >= QueueConstants.drawClaimMilliseconds
            else { return .refused }
            drawClaimedMilliseconds = now
            return .bits(version: version, registeredBits())
        case .apply(let known, let chunks):
            guard isDrawing, known == version else { return .refused }
            move(to: chunks, now)
            return .done
        case .bring(let remembered):
            let isAhead = draw.state.rawValue < remembered.state.rawValue
            guard isAhead, draw.state == .none || draw.first == remembered.first else { return .refused }
            draw = remembered
            if draw.state == .drawn { forgetRegistered() }
            next = max(next, 2 * draw.behind - draw.first)
            save()
            return .done
        }
    }

    private func registeredBits() -> [DrawChunk] {
        let (first, last) = (draw.first / RankIndex.chunkSize, (draw.behind - 1) / RankIndex.chunkSize)
        guard first <= last else { return [] }
        return (first...last).map { index in
            var gone = [UInt8](repeating: 0, count: RankIndex.chunkSize / 8)
            let numbers = left.filter { $0 / RankIndex.chunkSize == index }
            for number in numbers {
                let at = number % RankIndex.chunkSize
                gone[at / 8] |= 0x80 >> UInt8(at % 8)
            }
            return DrawChunk(
                index: index,
                waiting: waiting.bitmap(chunk: index) ?? [],
                left: numbers.isEmpty ? [] : gone
            )
        }
    }

    /// Nobody waits at a registered number any more.
    private mutating func forgetRegistered() {
        for number in draw.first..<draw.behind {
            waiting.remove(number)
            touch(number)
            done.insert(number)
        }
    }

    private mutating func move(to chunks: [DrawChunk], _ now: Int) {
        forgetRegistered()
        for chunk in chunks {
            touch(chunk.index * RankIndex.chunkSize)
            for place in Heartbeats.numbers(chunk: chunk.index, bitmap: chunk.waiting) { waiting.insert(place) }
            for place in Heartbeats.numbers(chunk: chunk.index, bitmap: chunk.left) {
                done.insert(place)
                left.insert(place)
            }
        }
        // What is known of signs of life is by the old numbers.
        holdEpoch = currentEpoch(now) + RoomPolicy.epochsKept
        (restoredMilliseconds, doubtFrom) = (now, 0)
        draw.state = .drawn
        save()
    }
}
