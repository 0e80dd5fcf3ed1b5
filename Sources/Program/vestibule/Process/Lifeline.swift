// SPDX-License-Identifier: Apache-2.0
//
// The pipe between a worker and its supervisor: the worker says when it serves and, each second, that its loop turns.
// The supervisor counts the seconds of silence.

import Glibc
import Reactor

/// The worker's end.
final class WorkerLifeline {
    static let beatMilliseconds = 1000

    private let descriptor: Int32

    /// Takes over an inherited descriptor.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A supervisor that does not read must not hold up the worker: what finds the pipe full is dropped.
        _ = fcntl(descriptor, F_SETFL, O_WRONLY | O_NONBLOCK)
    }

    func start(on loop: EventLoop) {
        loop.schedule(afterMilliseconds: 0, repeatingMilliseconds: WorkerLifeline.beatMilliseconds) { [self] in
            say(SupervisorLifeline.beat)
        }
    }

    func sayServing() { say(SupervisorLifeline.serves) }

    private func say(_ byte: UInt8) {
        var byte = byte
        _ = write(descriptor, &byte, 1)
    }
}

/// The supervisor's end.
final class SupervisorLifeline {
    fileprivate static let beat = UInt8(ascii: "b")
    fileprivate static let serves = UInt8(ascii: "s")

    let descriptor: Int32
    private let loop: EventLoop
    private var registration: Registration?

    /// Makes the pipe; `writer` is for the child, and to be closed here after it has started.
    static func pair(on loop: EventLoop) throws -> (lifeline: SupervisorLifeline, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw CommandFailure("START_FAILED", "no pipe: \(String(cString: strerror(errno)))")
        }
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        return (SupervisorLifeline(descriptor: ends[0], loop: loop), ends[1])
    }

    /// Takes over a descriptor.
    init(descriptor: Int32, loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_RDONLY | O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Hears the worker: `onBeat` for any sign, `onServing` when it takes requests.
    func listen(onBeat: @escaping () -> Void, onServing: @escaping () -> Void) throws {
        registration = try loop.add(fd: descriptor, events: .readable) { [weak self] _ in
            guard let self else { return }
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = read(self.descriptor, &bytes, bytes.count)
            if count > 0 {
                onBeat()
                if bytes[..<count].contains(SupervisorLifeline.serves) { onServing() }
            } else if count == 0 {
                // The worker has ended; SIGCHLD tells the rest.
                self.stop()
            }
        }
    }

    func stop() {
        if let registration { loop.remove(registration) }
        registration = nil
    }
}
