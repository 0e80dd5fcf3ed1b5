// SPDX-License-Identifier: Apache-2.0
//
// What `nginx -T` prints, read; and findings as JSON.

import NginxCheck
import Reactor
import StrictJSON

extension NginxFinding {
    /// For `--json`.
    var json: JSONValue {
        .members([
            ("severity", .string(severity.rawValue)), ("file", .string(file)), ("line", .integer(Int64(line))),
            ("message", .string(message)),
        ])
    }
}

/// What `nginx -T` prints.
enum NginxDump {
    /// A dump of nginx's configuration is at most this large.
    private static let byteCountMax = 32 << 20

    /// The configuration that nginx would load.
    ///
    /// Throws `CommandFailure` NGINX_REFUSES with nginx's own words, or what it prints cannot be read.
    static func read(conf: String, nginx: String) throws -> [NginxDirective] {
        let program = nginx.hasPrefix("/") ? nginx : try Files.executable(nginx)
        let words = ["-T", "-c", Files.absolute(conf)]
        let (isSuccess, text) = try ChildProcess.output(program, words, upTo: byteCountMax)
        if !isSuccess {
            let words = text.split(separator: "\n").filter { $0.contains("[emerg]") }.joined(separator: "\n")
            throw CommandFailure("NGINX_REFUSES", words)
        }
        do {
            return try NginxReader.read(dump: text)
        } catch {
            throw CommandFailure("NGINX_UNREADABLE", "\(error)")
        }
    }
}
