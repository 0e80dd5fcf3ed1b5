// SPDX-License-Identifier: Apache-2.0
//
// Timers run in the order of their deadlines, never after a cancel, and never starve the loop.

import Glibc
import Reactor
import Testing

@Suite struct TimerTests {
    @Test func `Timers run by deadline, and by order of scheduling where deadlines are equal`() throws {
        let loop = try EventLoop()
        var order: [Int] = []
        for (index, delay) in [9, 3, 6, 3, 0, 9, 1].enumerated() {
            loop.schedule(afterMilliseconds: delay) { order.append(index) }
        }
        loop.schedule(afterMilliseconds: 12) { loop.stop() }
        run(loop)
        #expect(order == [4, 6, 1, 3, 2, 0, 5])
    }

    @Test func `A timer does not run before its time on the clock of the loop`() throws {
        let loop = try EventLoop()
        let start = loop.nowMilliseconds
        var elapsed = 0
        loop.schedule(afterMilliseconds: 25) {
            elapsed = loop.nowMilliseconds - start
            loop.stop()
        }
        run(loop)
        #expect(elapsed >= 25)
    }

    @Test func `A cancelled timer does not run, whether alone or among thousands`() throws {
        let loop = try EventLoop()
        var ran = 0
        var kept = 0
        for index in 0..<3_000 {
            let timer = loop.schedule(afterMilliseconds: index % 7) { ran += 1 }
            if index % 10 == 0 { kept += 1 } else { timer.cancel() }
            timer.isActive ? () : timer.cancel()
        }
        loop.schedule(afterMilliseconds: 10) { loop.stop() }
        run(loop)
        #expect(ran == kept)
    }

    @Test func `A repeating timer repeats until it cancels itself`() throws {
        let loop = try EventLoop()
        var runs = 0
        var timer: Timer?
        timer = loop.schedule(afterMilliseconds: 1, repeatingMilliseconds: 1) {
            runs += 1
            if runs == 5 {
                timer?.cancel()
                loop.schedule(afterMilliseconds: 10) { loop.stop() }
            }
        }
        run(loop)
        #expect(runs == 5)
        #expect(timer?.isActive == false)
    }

    @Test func `Periods missed while the loop was held up are skipped`() throws {
        let loop = try EventLoop()
        var runs = 0
        let timer = loop.schedule(afterMilliseconds: 100, repeatingMilliseconds: 100) { runs += 1 }
        loop.schedule(afterMilliseconds: 0) {
            // Holds the loop up for five periods.
            poll(nil, 0, 550)
        }
        loop.schedule(afterMilliseconds: 1) { loop.stop() }
        run(loop)
        #expect(runs <= 1)
        timer.cancel()
    }

    @Test func `A timer that schedules itself without delay leaves descriptors their turn`() throws {
        let loop = try EventLoop()
        let (end, peer) = socketPair()
        var turns = 0
        func again() {
            turns += 1
            if turns == 3 { send(peer) }
            loop.schedule(afterMilliseconds: 0, again)
        }
        again()
        _ = try loop.add(fd: end, events: .readable) { _ in loop.stop() }
        run(loop)
        #expect(turns >= 3)
        for fd in [end, peer] { close(fd) }
    }

    @Test func `A timer may cancel another that is due in the same turn`() throws {
        let loop = try EventLoop()
        var victim: Timer?
        loop.schedule(afterMilliseconds: 0) { victim?.cancel() }
        victim = loop.schedule(afterMilliseconds: 0) { Issue.record("ran after its cancel") }
        loop.schedule(afterMilliseconds: 5) { loop.stop() }
        run(loop)
        #expect(victim?.isActive == false)
    }
}
