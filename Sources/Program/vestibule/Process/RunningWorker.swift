// SPDX-License-Identifier: Apache-2.0
//
// One worker process as its supervisor sees it.

import Glibc
import Reactor

final class RunningWorker {
    enum State: String {
        /// Has not taken requests yet.
        case starting
        case serving
        /// Told to end.
        case draining
    }

    let child: ChildProcess
    /// Its row in the scoreboard.
    let row: Int
    let startedMilliseconds: Int
    let lifeline: SupervisorLifeline
    var state = State.starting
    /// Seconds without a sign. Counted by the supervisor's own checks, so that time in which the supervisor itself
    /// stood still (a suspended machine, SIGSTOP) does not count against the worker.
    private(set) var silentChecks = 0
    private var hasBeaten = false

    /// A loop that stands still for this time is stuck, because the longest script call and answer take milliseconds.
    private static let silentChecksMax = 5
    /// A process that is starting, or finishing what it has, gets longer.
    private static let slowChecksMax = 15

    init(child: ChildProcess, row: Int, lifeline: SupervisorLifeline, startedMilliseconds: Int) {
        self.child = child
        self.row = row
        self.lifeline = lifeline
        self.startedMilliseconds = startedMilliseconds
    }

    func noteBeat() {
        // What is still in the pipe of a draining worker does not give it more time.
        if state == .draining { return }
        hasBeaten = true
        silentChecks = 0
    }

    func drain() {
        state = .draining
        silentChecks = 0
        hasBeaten = false
        child.signal(SIGTERM)
    }

    /// Counts a second; true when the worker is stuck. One that drains has a time in all, whether it beats or not.
    func isStuckAfterCheck() -> Bool {
        silentChecks += 1
        let isQuick = hasBeaten && state != .draining
        return silentChecks > (isQuick ? RunningWorker.silentChecksMax : RunningWorker.slowChecksMax)
    }
}
