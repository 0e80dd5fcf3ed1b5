// SPDX-License-Identifier: Apache-2.0
//
// Looks whether a part answers yet. Each probe gives up within a few hundred milliseconds.

import Glibc
import Reactor

enum Probe {
    /// Whether somebody listens on a unix socket.
    static func connects(unix path: String) -> Bool {
        guard let descriptor = SocketAddress.unix(path).connected(timeoutMilliseconds: 500) else { return false }
        close(descriptor)
        return true
    }

    /// Whether nginx and a worker behind it are ready.
    static func isReady(port: Int) -> Bool {
        guard let descriptor = SocketAddress.port(port).connected(timeoutMilliseconds: 500) else { return false }
        defer { close(descriptor) }
        let request = Array("GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &answer, answer.count, 0)
        return count > 12 && answer[..<count].dropFirst(9).starts(with: "200".utf8)
    }
}
