// SPDX-License-Identifier: Apache-2.0
//
// Asks a running nginx for protected paths without a pass. What comes back must be ours: the site must not answer.

import Glibc
import NginxCheck
import Reactor

/// Requests without a pass, one for each protected path and way to listen.
struct SiteProbe {
    private struct Target {
        var path: ProtectedPath
        var host: String
        var port: Int
        var isTLS: Bool

        var place: String { "\(isTLS ? "https://" : "")\(host):\(port)\(path.path)" }
    }

    private let targets: [Target]
    private let apiPrefixes: Set<String>

    /// - Parameter address: `http://ADDRESS:PORT` or `https://…` with a numeric IPv4 address, or `auto`: each server at
    ///   its own ports.
    ///
    /// Throws `CommandFailure` PROBE_INVALID.
    init(_ configuration: [NginxDirective], at address: String) throws {
        let paths = ProtectedPath.all(in: configuration)
        apiPrefixes = NginxCheck.apiPrefixes(in: configuration)
        guard address != "auto" else {
            targets = paths.flatMap { path in
                [(path.port, false), (path.tlsPort, true)].compactMap { port, isTLS in
                    port.map { Target(path: path, host: "127.0.0.1", port: $0, isTLS: isTLS) }
                }
            }
            return
        }
        let parts = address.split(separator: "/").last?.split(separator: ":") ?? []
        let isTLS = address.hasPrefix("https://")
        guard isTLS || address.hasPrefix("http://"), parts.count == 2, let port = Int(parts[1]),
            (1...65_535).contains(port)
        else { throw CommandFailure("PROBE_INVALID", "\(address) is not http://ADDRESS:PORT or https://ADDRESS:PORT") }
        targets = paths.map { Target(path: $0, host: String(parts[0]), port: port, isTLS: isTLS) }
    }

    func findings() -> [NginxFinding] {
        targets.compactMap { target in
            let path = target.path
            func finding(_ severity: NginxFinding.Severity, _ text: String) -> NginxFinding {
                NginxFinding(severity, file: path.file, line: path.line, text)
            }
            if target.isTLS, (try? Files.executable("curl")) == nil {
                return finding(.warning, "\(target.place) is not asked: curl, which speaks TLS, is not installed")
            }
            guard let answer = target.isTLS ? askOverTLS(target) : ask(target) else {
                return finding(.warning, "\(target.place) gives no answer to the probe")
            }
            if isOurs(answer) { return nil }
            let status = answer.prefix { $0 != "\r" }
            return finding(.open, "without a pass \(target.place) is answered by the site: \(status)")
        }
    }

    /// No person's navigation, which would take a number, and with a bad pass, since without one it may go on while
    /// nobody waits.
    private func headers(_ path: ProtectedPath) -> [(name: String, value: String)] {
        let cookie = path.room.map { [("Cookie", "vestibule-pass-\($0)=probe; __Host-vestibule-pass-\($0)=probe")] }
        return [("Accept", "application/json"), ("User-Agent", "vestibule-check")] + (cookie ?? [])
    }

    private func ask(_ target: Target) -> String? {
        let (host, port) = (target.host, target.port)
        guard let descriptor = SocketAddress.port(port, of: host).connected(timeoutMilliseconds: 3000) else {
            return nil
        }
        defer { close(descriptor) }
        let headers = self.headers(target.path).map { "\($0.name): \($0.value)\r\n" }.joined()
        let text = "GET \(target.path.path) HTTP/1.0\r\nHost: \(target.path.name)\r\n\(headers)\r\n"
        let request = Array(text.utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while answer.count < 65_536, case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
            answer += buffer[..<count]
        }
        return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
    }

    /// By curl, which has TLS: this program does without a library of it. The certificate may be anybody's.
    private func askOverTLS(_ target: Target) -> String? {
        let name = target.path.name
        var words = [
            "--silent", "--insecure", "--include", "--http1.1", "--max-time", "3", "--path-as-is", "--globoff",
        ]
        words += ["--noproxy", "*", "--resolve", "\(name):\(target.port):\(target.host)"]
        words += headers(target.path).flatMap { ["--header", "\($0.name): \($0.value)"] }
        words.append("https://\(name):\(target.port)\(target.path.path)")
        guard let program = try? Files.executable("curl"),
            let answer = try? ChildProcess.output(program, words).text, !answer.isEmpty
        else { return nil }
        return answer
    }

    /// Our problem answers carry a code and a trace, the waiting page the address of the queue, and a visitor who was
    /// let in gets our cookie.
    private func isOurs(_ answer: String) -> Bool {
        let text = answer.lowercased()
        let isProblem = text.contains("\"error\":{\"code\":") && text.contains("\"trace_id\":")
        let isWaiting = apiPrefixes.contains { answer.contains($0) } || text.contains("\"waiting_token\"")
        let isEntry = text.split(separator: "\r\n").contains {
            $0.hasPrefix("set-cookie:") && $0.contains("vestibule-")
        }
        return isProblem || isWaiting || isEntry
    }
}
