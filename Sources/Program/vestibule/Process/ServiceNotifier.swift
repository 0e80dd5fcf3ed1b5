// SPDX-License-Identifier: Apache-2.0
//
// Tells systemd how the service is, see sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names. Without one it
// does nothing.
// Why no library: libsystemd would be one more dependency of every process, for one datagram.

import Glibc
import Reactor

struct ServiceNotifier {
    private var address = sockaddr_un()
    private var addressLength: socklen_t = 0
    private let descriptor: Int32
    /// How often systemd wants a keep-alive ping; half of WatchdogSec, nil when it wants none.
    let watchdogMilliseconds: Int?

    init() {
        var period: Int?
        let isOurs = getenv("WATCHDOG_PID").map { Int32(String(cString: $0)) == getpid() } ?? true
        if isOurs, let limit = getenv("WATCHDOG_USEC").flatMap({ Int(String(cString: $0)) }), limit > 0 {
            period = max(1, limit / 2000)
        }
        watchdogMilliseconds = period
        guard let name = getenv("NOTIFY_SOCKET") else {
            descriptor = -1
            return
        }
        var bytes = Array(String(cString: name).utf8)
        // "@" stands for the NUL of the abstract namespace (unix(7)).
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            descriptor = -1
            return
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        addressLength = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_UNIX, kind, 0)
    }

    /// The service takes requests, with this line for `systemctl status`.
    func ready(_ status: String) { send("READY=1\nMAINPID=\(getpid())\nSTATUS=\(status)\n") }

    /// The configuration is being read again, or a new program takes over; `ready` ends it.
    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        send("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)\n")
    }

    func stopping() { send("STOPPING=1\nSTATUS=finishing what is under way\n") }

    /// Sends keep-alive pings from the loop: if it stands still, systemd starts the service again.
    func keepWatchdogQuiet(on loop: EventLoop) {
        guard let watchdogMilliseconds else { return }
        loop.schedule(afterMilliseconds: 0, repeatingMilliseconds: watchdogMilliseconds) { [self] in
            send("WATCHDOG=1\n")
        }
    }

    private func send(_ text: String) {
        guard descriptor >= 0 else { return }
        let bytes = Array(text.utf8)
        _ = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, addressLength)
            }
        }
    }
}
