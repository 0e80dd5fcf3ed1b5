// SPDX-License-Identifier: Apache-2.0
//
// Asks nginx for its whole configuration, which is also how it says that it takes it.

import Glibc
import NginxSite
import Reactor

enum NginxDumpReader {
    /// A dump of nginx's configuration is at most this large.
    private static let byteCountMax = 32 << 20

    /// Runs `nginx -T`.
    /// - Throws: `CommandFailure` NGINX_REFUSES with nginx' first word of refusal, NGINX_CONFIG_UNREADABLE.
    static func read(nginx: String, config: String) throws -> NginxDump {
        let directory = try Files.makeTemporaryDirectory("vestibule-nginx")
        let output = "\(directory)/dump"
        defer {
            unlink(output)
            rmdir(directory)
        }
        let problem = try ChildProcess.run(nginx, ["-T", "-q", "-c", Files.absolute(config)], logPath: output)
        let text = try Files.readText(output, upTo: byteCountMax)
        // Both streams are in one file. What nginx itself says comes before the files.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard problem == nil else {
            let said = lines.prefix { !$0.hasPrefix("# configuration file ") }
            let first = said.first { $0.contains("[emerg]") } ?? said.first ?? "it ended without a word"
            throw CommandFailure("NGINX_REFUSES", "nginx -T -c \(config): \(first)")
        }
        do {
            return try NginxDump(text: lines.filter { !$0.hasPrefix("nginx: ") }.joined(separator: "\n"))
        } catch {
            throw CommandFailure("NGINX_CONFIG_UNREADABLE", "\(error)")
        }
    }
}
