// SPDX-License-Identifier: Apache-2.0
//
// The model without one of its keys, as after an eviction, or when somebody has removed it by hand. It uses Admission
// only. The scripts find out with the recount of the next epoch (tick.lua); the model knows at once. From then on both
// do the same: the visitors who are missing come back with their next look.

internal import Admission

extension QueueModel {
    public mutating func evict(_ part: MemoryPart) {
        switch part {
        case .state: hasState = false
        case .config:
            overrides = RoomPolicy.noOverrides
            isConfigured = false
            revision = -1
            mergeLimits()
        // Without its list a bitmap is nothing: who looks is put back into both.
        case .chunks, .waiting:
            waiting.removeAll()
            for chunk in chunkVersions.keys { chunkVersions[chunk] = version + 1 }
            version += 1
        case .called:
            called = [:]
            recalled = []
        case .active:
            active = [:]
            soonestPassEndMilliseconds = Int.max
        case .recalled: recalled = []
        case .flow: flow = [:]
        case .seen: seen = [:]
        case .gone: gone = [:]
        case .done: (done, left) = ([], [])
        case .lapses: lapses = [:]
        case .joinKeys: joinKeys = [:]
        }
    }

    /// The state is made anew, and finds the other keys as they are.
    mutating func beginState(_ first: Int, _ now: Int) {
        hasState = true
        next = first
        incarnation = QueueModel.stamp(now)
        counters = RoomCounters()
        doubtFrom = 0
        lineMilliseconds = 0
        patience = 1
        mergeLimits()
    }
}
