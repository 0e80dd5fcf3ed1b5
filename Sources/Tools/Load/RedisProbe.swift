// SPDX-License-Identifier: Apache-2.0
//
// Looks into the product's Redis before and after a run: commands, memory, and the exact times of entries. It waits
// for each answer, so it is never used while a run is going on.

internal import Admission
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
        command(["INFO", "everything"])?.first.flatMap { RedisUsage(info: String(decoding: $0, as: UTF8.self)) }
    }

    /// When each entry of a room was made by Redis' own clock, in microseconds from an arbitrary moment: the end of its
    /// pass is that time plus pass_ttl, which is the same for all that were not renewed. The ends are the scores of the
    /// set `active`; after a loss most are in the pages that the workers brought (brought.lua). nil: no answer.
    public func entryMicroseconds(room: String) -> [Int]? {
        let prefix = "vq:{\(room)}:"
        guard let active = command(["ZRANGE", prefix + "active", "0", "-1", "WITHSCORES"]),
            let pages = command(["ZRANGE", prefix + "brought", "0", "-1"])
        else { return nil }
        let words = active.map { String(decoding: $0, as: UTF8.self) }
        var ends: [Int: Int] = [:]
        for at in stride(from: 0, to: words.count - 1, by: 2) {
            if let number = Int(words[at]), let end = Int(words[at + 1]) { ends[number] = end }
        }
        for page in pages.compactMap({ Int(String(decoding: $0, as: UTF8.self)) }) {
            // A page whose first pass has ended meanwhile is in the set.
            let records = command(["GET", prefix + "brought:\(page)"])?.first ?? []
            for at in stride(from: 0, to: records.count - 7, by: 8) {
                let number = page * QueueConstants.entriesPerPage + RedisProbe.number(records[at..<at + 2])
                ends[number] = ends[number] ?? RedisProbe.number(records[at + 2..<at + 8])
            }
        }
        return ends.values.map { $0 * 1000 }
    }

    /// Big-endian.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    /// Sends a command and gives the strings of the reply; nil when there is none, or it is an error.
    private func command(_ words: [String]) -> [[UInt8]]? {
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
        var texts: [[UInt8]] = []
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

    private func text(_ count: Int?) -> [UInt8]? {
        guard let count, count >= 0 else { return nil }
        while received.count < offset + count + 2 {
            guard receive() else { return nil }
        }
        defer { offset += count + 2 }
        return Array(received[offset..<offset + count])
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0, received.count + count <= RedisProbe.replyByteCountMax else { return false }
        received += buffer[..<count]
        return true
    }
}
