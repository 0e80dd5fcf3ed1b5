// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of the loop: who gets an event, and above all who does not.

import Glibc
import Reactor
import Testing

@Suite struct EventLoopTests {
    @Test func `An event collected for a closed descriptor never reaches the one that got its number`() throws {
        let loop = try EventLoop()
        let firstPair = socketPair()
        let secondPair = socketPair()
        let (first, firstPeer) = (move(firstPair.0, to: 700), firstPair.1)
        let (second, secondPeer) = (move(secondPair.0, to: 701), secondPair.1)
        var registrations: [Int32: Registration] = [:]
        var calls = 0
        var strayEvents = 0
        var replacement: (Int32, Int32) = (-1, -1)
        // Both are readable in the same turn; whichever comes first closes the other and uses its number again.
        func handle(_ own: Int32, other: Int32) throws {
            calls += 1
            loop.remove(registrations[own]!)
            loop.remove(registrations[other]!)
            close(other)
            let pair = socketPair()
            replacement = (move(pair.0, to: other), pair.1)
            #expect(replacement.0 == other, "the number is used again")
            _ = try loop.add(fd: other, events: .readable) { _ in strayEvents += 1 }
            loop.schedule(afterMilliseconds: 10) { loop.stop() }
        }
        registrations[first] = try loop.add(fd: first, events: .readable) { _ in
            do { try handle(first, other: second) } catch { Issue.record(error) }
        }
        registrations[second] = try loop.add(fd: second, events: .readable) { _ in
            do { try handle(second, other: first) } catch { Issue.record(error) }
        }
        send(firstPeer)
        send(secondPeer)
        run(loop)
        #expect(calls == 1)
        #expect(strayEvents == 0)
        for fd in [first, second, firstPeer, secondPeer, replacement.0, replacement.1] { close(fd) }
    }

    @Test func `A descriptor that a library closed can be forgotten and its number watched again`() throws {
        let loop = try EventLoop()
        let pair = socketPair()
        let (end, peer) = (move(pair.0, to: 720), pair.1)
        let old = try loop.add(fd: end, events: .readable) { _ in Issue.record("the old handler ran") }
        close(end)
        loop.forget(old)
        let againPair = socketPair()
        let (again, againPeer) = (move(againPair.0, to: 720), againPair.1)
        #expect(again == end)
        var calls = 0
        _ = try loop.add(fd: again, events: .readable) { _ in
            calls += 1
            loop.stop()
        }
        // The old handle must not touch its successor.
        loop.remove(old)
        #expect(throws: SystemError.self) { try loop.modify(old, events: []) }
        send(againPeer)
        run(loop)
        #expect(calls == 1)
        for fd in [again, againPeer, peer] { close(fd) }
    }

    @Test func `A handler may remove itself and is not called again`() throws {
        let loop = try EventLoop()
        let (end, peer) = socketPair()
        var calls = 0
        var registration: Registration?
        registration = try loop.add(fd: end, events: .readable) { _ in
            calls += 1
            loop.remove(registration!)
            loop.remove(registration!)
            loop.schedule(afterMilliseconds: 5) { loop.stop() }
        }
        send(peer)
        run(loop)
        #expect(calls == 1)
        for fd in [end, peer] { close(fd) }
    }

    @Test func `A descriptor is watched once`() throws {
        let loop = try EventLoop()
        let (end, peer) = socketPair()
        let registration = try loop.add(fd: end, events: .readable) { _ in }
        #expect(throws: SystemError.self) { try loop.add(fd: end, events: .readable) { _ in } }
        #expect(throws: SystemError.self) { try loop.add(fd: -1, events: .readable) { _ in } }
        loop.remove(registration)
        _ = try loop.add(fd: end, events: .readable) { _ in }
        for fd in [end, peer] { close(fd) }
    }

    @Test func `Modify changes what is reported`() throws {
        let loop = try EventLoop()
        let (end, peer) = socketPair()
        var seen: [IOEvents] = []
        var registration: Registration?
        registration = try loop.add(fd: end, events: .readable) { events in
            seen.append(events)
            if seen.count == 1 {
                do { try loop.modify(registration!, events: .writable) } catch { Issue.record(error) }
            } else {
                loop.stop()
            }
        }
        send(peer)
        run(loop)
        #expect(seen == [.readable, .writable])
        for fd in [end, peer] { close(fd) }
    }

    @Test func `Hooks run at the end of every turn, the last one included, in their order`() throws {
        let loop = try EventLoop()
        var steps: [String] = []
        loop.beforeSleep { steps.append("first") }
        loop.beforeSleep { steps.append("second") }
        loop.schedule(afterMilliseconds: 0) {
            steps.append("work")
            loop.stop()
        }
        run(loop)
        #expect(steps == ["first", "second", "work", "first", "second"])
    }

    @Test func `A stop before run makes run return at once`() throws {
        let loop = try EventLoop()
        loop.stop()
        loop.run()
        var ran = false
        loop.schedule(afterMilliseconds: 0) {
            ran = true
            loop.stop()
        }
        run(loop)
        #expect(ran, "the stop is used up by the run it ended")
    }

    @Test func `Signals are handled in the loop, even with a handler installed by a library`() throws {
        let loop = try EventLoop()
        var received: [Int32] = []
        signal(SIGUSR2) { _ in }
        for number in [SIGUSR2, SIGHUP] {
            try loop.onSignal(number) {
                received.append(number)
                if received.count == 2 { loop.stop() }
            }
        }
        pthread_kill(pthread_self(), SIGHUP)
        pthread_kill(pthread_self(), SIGUSR2)
        run(loop)
        #expect(received.sorted() == [SIGHUP, SIGUSR2].sorted())
        signal(SIGUSR2, SIG_DFL)
    }
}
