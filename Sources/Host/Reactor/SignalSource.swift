// SPDX-License-Identifier: Apache-2.0
//
// Signals as events of the loop: blocked, and read from one signalfd(2).

internal import CLinux
internal import Glibc

/// The signals one loop handles.
final class SignalSource {
    private var mask = sigset_t()
    private var handlers: [Int32: () -> Void] = [:]
    private let descriptor: Int32

    init(loop: EventLoop) throws(SystemError) {
        sigemptyset(&mask)
        descriptor = signalfd(-1, &mask, Int32(bitPattern: UInt32(SFD_CLOEXEC)) | Int32(SFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError.current("signalfd") }
        // The loop owns this object and outlives it, so the handler does not need to.
        _ = try loop.add(fd: descriptor, events: .readable) { [unowned self] _ in self.deliver() }
    }

    deinit {
        close(descriptor)
    }

    func handle(_ signal: Int32, _ handler: @escaping () -> Void) throws(SystemError) {
        guard sigaddset(&mask, signal) == 0 else { throw SystemError.current("sigaddset \(signal)") }
        let blocked = pthread_sigmask(SIG_BLOCK, &mask, nil)
        guard blocked == 0 else { throw SystemError(errno: blocked, operation: "pthread_sigmask") }
        guard signalfd(descriptor, &mask, 0) >= 0 else { throw SystemError.current("signalfd") }
        handlers[signal] = handler
    }

    private func deliver() {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while read(descriptor, &information, size) == size {
            handlers[Int32(bitPattern: information.ssi_signo)]?()
        }
    }
}
