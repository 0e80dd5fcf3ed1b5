// SPDX-License-Identifier: Apache-2.0
//
// Asks a running nginx for protected paths without a pass. What comes back must be ours: the site must not answer.

import Glibc
import NginxCheck
import Reactor

/// Requests without a pass, one for each protected path.
struct SiteProbe {
    private let targets: [(path: ProtectedPath, host: String, port: Int)]

    /// - Parameter address: `http://ADDRESS:PORT` with a numeric IPv4 address, or `auto`: each server at its own port.
    ///
    /// Throws `CommandFailure` PROBE_INVALID.
    init(_ configuration: [NginxDirective], at address: String) throws {
        let paths = ProtectedPath.all(in: configuration)
        guard address != "auto" else {
            targets = paths.compactMap { path in path.port.map { (path, "127.0.0.1", $0) } }
            return
        }
        let parts = address.split(separator: "/").last?.split(separator: ":") ?? []
        guard address.hasPrefix("http://"), parts.count == 2, let port = Int(parts[1]), (1...65_535).contains(port)
        else { throw CommandFailure("PROBE_INVALID", "\(address) is not http://ADDRESS:PORT") }
        targets = paths.map { ($0, String(parts[0]), port) }
    }

    func findings() -> [NginxFinding] {
        targets.compactMap { path, host, port in
            let place = "\(host):\(port)\(path.path)"
            guard let answer = ask(path, host, port) else {
                return NginxFinding(.warning, file: path.file, line: path.line, "\(place) gives no answer to the probe")
            }
            if isOurs(answer) { return nil }
            let status = answer.prefix { $0 != "\r" }
            return NginxFinding(
                .open,
                file: path.file,
                line: path.line,
                "without a pass \(place) is answered by the site: \(status)"
            )
        }
    }

    /// No person's navigation, which would take a number, and with a bad pass, since without one it may go on while
    /// nobody waits.
    private func ask(_ path: ProtectedPath, _ host: String, _ port: Int) -> String? {
        guard let descriptor = SocketAddress.port(port, of: host).connected(timeoutMilliseconds: 3000) else {
            return nil
        }
        defer { close(descriptor) }
        let text =
            "GET \(path.path) HTTP/1.0\r\nHost: \(path.name)\r\nAccept: application/json\r\n"
            + (path.room.map { "Cookie: vestibule-pass-\($0)=probe\r\n" } ?? "") + "User-Agent: vestibule-check\r\n\r\n"
        let request = Array(text.utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while answer.count < 65_536, case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
            answer += buffer[..<count]
        }
        return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
    }

    /// Our problem answers carry a code and a trace, the waiting page the address of the queue, and a visitor who was
    /// let in gets our cookie.
    private func isOurs(_ answer: String) -> Bool {
        let text = answer.lowercased()
        let isProblem = text.contains("\"error\":{\"code\":") && text.contains("\"trace_id\":")
        let isWaiting = text.contains("/api/v1/queue") || text.contains("\"waiting_token\"")
        let isEntry = text.split(separator: "\r\n").contains {
            $0.hasPrefix("set-cookie:") && $0.contains("vestibule-")
        }
        return isProblem || isWaiting || isEntry
    }
}
