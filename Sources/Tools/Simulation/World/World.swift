// SPDX-License-Identifier: Apache-2.0
//
// What all parts of a simulation share: the virtual clock, chance, the trace, and actions for later. No part may have
// another source of time or chance, or a seed would not repeat its run.

internal import Admission
internal import Chance

final class World {
    /// On a whole epoch of most lengths, and in the time in which numbers come from the clock.
    static let startMilliseconds = 1_768_000_000_000

    private(set) var now = World.startMilliseconds
    /// What the wall clocks of the store and of the hosts show: they are set by the same time servers.
    var wall: Int { now + (steps.last?.offset ?? 0) }
    /// What the wall clocks were ahead, and since when.
    private var steps: [(since: Int, offset: Int)] = [(World.startMilliseconds, 0)]
    /// All steps forward together: time that has passed by the wall clock only.
    private(set) var skippedMilliseconds = 0
    let seed: UInt64
    var random: SplitMix64
    var trace: Trace
    private var scheduler = Scheduler(startMilliseconds: World.startMilliseconds)
    private var actions: [(() -> Void)?] = []
    private var freeActions: [Int32] = []
    /// The marks that the workers of the host renew in their run directory, by the name of the room.
    private(set) var runMarks: [String: Int] = [:]
    /// Events that were run.
    private(set) var events = 0

    init(seed: UInt64, keptEvents: Int) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        trace = Trace(kept: keptEvents)
    }

    func note(_ mark: TraceMark, _ subject: Int, _ value: Int = 0) { trace.note(now, mark, subject, value) }

    /// A worker has run the room.
    func markRun(_ room: String) {
        if runMarks[room].map({ wall - $0 >= RunMark.renewMilliseconds || wall < $0 }) ?? true {
            runMarks[room] = wall
        }
    }

    /// The wall clocks are set forward, or back.
    func stepClock(by milliseconds: Int) {
        note(.clockStep, milliseconds)
        steps.append((now, wall - now + milliseconds))
        skippedMilliseconds += max(0, milliseconds)
    }

    /// The last time at which the wall clocks have shown this; now, when they have not.
    func time(ofWall milliseconds: Int) -> Int {
        for step in steps.reversed() where (step.since...now).contains(milliseconds - step.offset) {
            return milliseconds - step.offset
        }
        return now
    }

    /// Does something `milliseconds` from now.
    func after(_ milliseconds: Int, _ action: @escaping () -> Void) { at(now + milliseconds, action) }

    /// Does something at a moment; at once if that moment has passed.
    func at(_ milliseconds: Int, _ action: @escaping () -> Void) {
        let slot: Int32
        if let free = freeActions.popLast() {
            slot = free
            actions[Int(free)] = action
        } else {
            slot = Int32(actions.count)
            actions.append(action)
        }
        scheduler.schedule(.action(slot), atMilliseconds: max(now, milliseconds))
    }

    func wake(_ visitor: Int32, token: UInt32, after milliseconds: Int) {
        scheduler.schedule(.visitor(visitor, token: token), atMilliseconds: now + max(0, milliseconds))
    }

    /// Whether everything of this millisecond is done.
    var isTurnOver: Bool { !scheduler.hasMoreInThisMillisecond }

    /// Runs the next event: an action at once, a visitor's wake-up through `wakeVisitor`. False: nothing is left.
    func step(_ wakeVisitor: (Int, UInt32) -> Void) -> Bool {
        guard let (milliseconds, event) = scheduler.popFirst() else { return false }
        now = milliseconds
        events += 1
        switch event {
        case .visitor(let visitor, let token): wakeVisitor(Int(visitor), token)
        case .action(let slot):
            let action = actions[Int(slot)]
            actions[Int(slot)] = nil
            freeActions.append(slot)
            action?()
        }
        return true
    }
}
