// SPDX-License-Identifier: Apache-2.0
//
// A real loop with real servers in a thread of its own, and a way to ask it things from a test.

import Gateway
import GatewayWire
import Glibc
import Reactor
import Synchronization

/// What lives in the thread of the loop.
final class LoopContext {
    let loop: EventLoop
    var fastCGI: GatewayServer?
    var scgi: GatewayServer?
    var held: [GatewayExchange] = []
    var signals = 0

    init(loop: EventLoop) { self.loop = loop }
}

/// Runs a loop in a thread until it is released.
final class LoopThread: Sendable {
    typealias Command = @Sendable (LoopContext) -> Void

    private struct Shared: Sendable {
        var commands: [Command] = []
        var log: [String] = []
    }

    private let shared = Mutex(Shared())
    /// A byte here wakes the loop to run the commands.
    private let wake: (read: Int32, write: Int32)
    private let thread: Mutex<pthread_t?> = Mutex(nil)

    init(_ setUp: @escaping @Sendable (LoopContext, LoopThread) throws -> Void) {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0)
        wake = (ends[0], ends[1])
        let box = Unmanaged.passRetained(Start(owner: self, setUp: setUp))
        var created = pthread_t()
        let result = pthread_create(
            &created,
            nil,
            { Unmanaged<Start>.fromOpaque($0!).takeRetainedValue().run() },
            box.toOpaque()
        )
        precondition(result == 0)
        thread.withLock { $0 = created }
        // The first answer comes when the servers are up.
        perform { _ in }
    }

    var handle: pthread_t { thread.withLock { $0! } }
    var log: [String] { shared.withLock { $0.log } }
    func append(log line: String) { shared.withLock { $0.log.append(line) } }

    /// Runs a closure in the thread of the loop and waits for its result.
    @discardableResult
    func perform<Result: Sendable>(_ body: @escaping @Sendable (LoopContext) -> Result) -> Result {
        var done: [Int32] = [-1, -1]
        precondition(pipe(&done) == 0)
        let signal = done[1]
        let box = ResultBox<Result>()
        shared.withLock {
            $0.commands.append { context in
                box.value.withLock { $0 = body(context) }
                precondition(write(signal, "x", 1) == 1)
            }
        }
        precondition(write(wake.write, "x", 1) == 1)
        var byte: UInt8 = 0
        precondition(read(done[0], &byte, 1) == 1)
        close(done[0])
        close(done[1])
        return box.value.withLock { $0! }
    }

    /// Stops the loop and waits for the thread.
    func stop() {
        perform { $0.loop.stop() }
        pthread_join(handle, nil)
        close(wake.read)
        close(wake.write)
    }

    fileprivate func runLoop(_ setUp: (LoopContext, LoopThread) throws -> Void) {
        do {
            let loop = try EventLoop()
            let context = LoopContext(loop: loop)
            _ = try loop.add(fd: wake.read, events: .readable) { _ in
                var bytes = [UInt8](repeating: 0, count: 64)
                _ = read(self.wake.read, &bytes, 64)
                let commands = self.shared.withLock { shared in
                    defer { shared.commands = [] }
                    return shared.commands
                }
                for command in commands { command(context) }
            }
            try setUp(context, self)
            loop.run()
        } catch {
            fatalError("the loop of a test did not start: \(error)")
        }
    }
}

private final class ResultBox<Result: Sendable>: Sendable {
    let value = Mutex<Result?>(nil)
}

private final class Start {
    let owner: LoopThread
    let setUp: @Sendable (LoopContext, LoopThread) throws -> Void

    init(owner: LoopThread, setUp: @escaping @Sendable (LoopContext, LoopThread) throws -> Void) {
        self.owner = owner
        self.setUp = setUp
    }

    func run() -> UnsafeMutableRawPointer? {
        owner.runLoop(setUp)
        return nil
    }
}
