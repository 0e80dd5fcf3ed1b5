// SPDX-License-Identifier: Apache-2.0
//
// Timers of the loop: a binary heap ordered by deadline, then by the order of scheduling.
// Why no library: the standard library has no heap, and that of swift-collections would replace only push and pop; the
// rest is what a loop needs: cancelling, repeating, and skipping missed periods.

/// A scheduled action. Dropping the handle does not cancel it.
public final class Timer {
    fileprivate(set) var deadlineMilliseconds: Int
    fileprivate(set) var sequence: UInt64
    let repeatingMilliseconds: Int?
    private(set) var action: (() -> Void)?
    fileprivate weak var queue: TimerQueue?

    fileprivate init(deadline: Int, sequence: UInt64, repeating: Int?, action: @escaping () -> Void) {
        deadlineMilliseconds = deadline
        self.sequence = sequence
        repeatingMilliseconds = repeating
        self.action = action
    }

    /// Whether the action will still run.
    public var isActive: Bool { action != nil }

    /// Makes sure that the action does not run again. Safe at any time, also from the action itself.
    public func cancel() {
        guard action != nil else { return }
        action = nil
        queue?.noteCancelled()
    }

    fileprivate func finish() {
        action = nil
    }
}

/// The pending timers of one loop.
final class TimerQueue {
    private var heap: [Timer] = []
    private var cancelled = 0
    private var nextSequence: UInt64 = 0

    var isEmpty: Bool { heap.count == cancelled }
    var count: Int { heap.count - cancelled }

    /// Adds a timer that is due at `deadline`, in milliseconds of the loop's clock.
    func add(deadline: Int, repeating: Int?, action: @escaping () -> Void) -> Timer {
        let timer = Timer(deadline: deadline, sequence: nextSequence, repeating: repeating, action: action)
        nextSequence += 1
        timer.queue = self
        push(timer)
        return timer
    }

    /// The deadline of the next timer, nil when there is none.
    func nextDeadline() -> Int? {
        while let first = heap.first, !first.isActive {
            pop()
            cancelled -= 1
        }
        return heap.first?.deadlineMilliseconds
    }

    /// Runs what is due. A timer that is added meanwhile waits for the next call, so a timer that schedules
    /// itself with no delay cannot keep the loop from its descriptors.
    func runDue(now: Int) {
        let limit = nextSequence
        var later: [Timer] = []
        while let deadline = nextDeadline(), deadline <= now {
            let timer = pop()
            guard timer.sequence < limit else {
                later.append(timer)
                continue
            }
            guard let action = timer.action else { continue }
            if timer.repeatingMilliseconds == nil { timer.finish() }
            action()
            if timer.isActive, let interval = timer.repeatingMilliseconds {
                // Missed periods are skipped, not made up for: a stalled loop must not run a burst of ticks.
                let missed = (now - timer.deadlineMilliseconds) / interval
                timer.deadlineMilliseconds += (missed + 1) * interval
                timer.sequence = nextSequence
                nextSequence += 1
                push(timer)
            } else if timer.repeatingMilliseconds != nil {
                // Cancelled by its own action while it was not in the heap.
                cancelled -= 1
            }
        }
        for timer in later { push(timer) }
    }

    /// Keeps the heap from filling with cancelled timers: rebuilding at half costs O(1) a cancellation.
    fileprivate func noteCancelled() {
        cancelled += 1
        guard cancelled > 64, cancelled * 2 > heap.count else { return }
        let active = heap.filter(\.isActive)
        cancelled -= heap.count - active.count
        heap.removeAll(keepingCapacity: true)
        for timer in active { push(timer) }
    }

    private func isBefore(_ left: Timer, _ right: Timer) -> Bool {
        left.deadlineMilliseconds != right.deadlineMilliseconds
            ? left.deadlineMilliseconds < right.deadlineMilliseconds
            : left.sequence < right.sequence
    }

    private func push(_ timer: Timer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    @discardableResult
    private func pop() -> Timer {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [parent * 2 + 1, parent * 2 + 2]
            where child < heap.count && isBefore(heap[child], heap[least]) {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
