// SPDX-License-Identifier: Apache-2.0
//
// Looks into the product's Redis before and after a run: commands, memory, and the exact times of entries. It waits
// for each answer, so it is never used while a run is going on.

internal import CLinux
internal import Glibc
internal import Reactor

/// What INFO says.
public struct RedisUsage: Sendable, Equatable {
    /// Commands since Redis started, those inside scripts included.
    public let commands: Int
    /// Scripts run since Redis started: what the workers send.
    public let scripts: Int
    /// Bytes allocated for data.
    public let memoryBytes: Int

    /// Reads the text of `INFO everything`; nil when members are missing.
    public init?(info: String) {
        var values: [Substring: Int] = [:]
        for line in info.split(whereSeparator: { $0 == "\r\n" || $0 == "\n" }) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            var value = line[line.index(after: colon)...]
            if value.hasPrefix("calls=") { value = value.dropFirst(6).prefix { $0 != "," } }
            values[line[..<colon]] = Int(value)
        }
        guard let commands = values["total_commands_processed"], let memory = values["used_memory"] else { return nil }
        self.commands = commands
        scripts = (values["cmdstat_evalsha"] ?? 0) + (values["cmdstat_eval"] ?? 0)
        memoryBytes = memory
    }
}

/// A connection to the unix socket of a Redis.
public final class RedisProbe {
    private static let timeoutMilliseconds = 5000
    /// Replies beyond this are cut off: two lines an entry, for four million entries.
    private static let replyByteCountMax = 1 << 28

    private let descriptor: Int32
    private var received: [UInt8] = []
    private var offset = 0

    /// Connects; nil when nobody answers at the path.
    public init?(socketPath: String) {
        let timeoutMilliseconds = RedisProbe.timeoutMilliseconds
        guard let descriptor = SocketAddress.unix(socketPath).connected(timeoutMilliseconds: timeoutMilliseconds)
        else { return nil }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Commands and memory now.
    public func usage() -> RedisUsage? {
        command(["INFO", "everything"])?.first.flatMap { RedisUsage(info: $0) }
    }

    /// When each entry of a room was made by Redis' own clock, in microseconds from an arbitrary moment: the score of
    /// the set `active` is that time plus pass_ttl, which is the same for all.
    public func entryMicroseconds(room: String) -> [Int]? {
        guard let lines = command(["ZRANGE", "vq:{\(room)}:active", "0", "-1", "WITHSCORES"]) else { return nil }
        return stride(from: 1, to: lines.count, by: 2).compactMap { Int(lines[$0]).map { $0 * 1000 } }
    }

    /// Sends a command and gives the strings of the reply; nil when there is none, or it is an error.
    private func command(_ words: [String]) -> [String]? {
        var request = Array("*\(words.count)\r\n".utf8)
        for word in words { request += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return nil
        }
        received = []
        offset = 0
        guard let head = line() else { return nil }
        if head.hasPrefix("$") { return text(Int(head.dropFirst())).map { [$0] } }
        guard head.hasPrefix("*"), let count = Int(head.dropFirst()), count >= 0 else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let head = line(), head.hasPrefix("$"), let text = text(Int(head.dropFirst())) else { return nil }
            texts.append(text)
        }
        return texts
    }

    private func line() -> String? {
        while true {
            if let end = received[offset...].firstIndex(of: UInt8(ascii: "\n")) {
                let text = String(decoding: received[offset..<max(offset, end - 1)], as: UTF8.self)
                offset = end + 1
                return text
            }
            guard receive() else { return nil }
        }
    }

    private func text(_ count: Int?) -> String? {
        guard let count, count >= 0 else { return nil }
        while received.count < offset + count + 2 {
            guard receive() else { return nil }
        }
        defer { offset += count + 2 }
        return String(decoding: received[offset..<offset + count], as: UTF8.self)
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0, received.count + count <= RedisProbe.replyByteCountMax else { return false }
        received += buffer[..<count]
        return true
    }
}
