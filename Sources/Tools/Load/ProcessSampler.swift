// SPDX-License-Identifier: Apache-2.0
//
// Processor time and memory of the product's processes, from /proc (see proc(5)).

internal import Glibc
internal import StrictJSON

/// Processes that are reported together.
public struct ProcessGroup: Sendable, Equatable {
    /// As reports call it: nginx, workers, redis, backend, generator.
    public let name: String
    /// Its processes; children of these are counted too.
    public let pids: [Int32]

    /// Names a group.
    public init(name: String, pids: [Int32]) {
        self.name = name
        self.pids = pids
    }

    /// The groups in a demo's `pids.json`; nil when the text is something else.
    public static func groups(ofDemo json: [UInt8]) -> [ProcessGroup]? {
        guard let value = try? JSONValue(parsing: json) else { return nil }
        var groups: [ProcessGroup] = []
        for name in ["nginx", "workers", "redis", "backend"] {
            let numbers = value[name]?.arrayValue ?? value[name].map { [$0] } ?? []
            let pids = numbers.compactMap { $0.integerValue.flatMap { Int32(exactly: $0) } }.filter { $0 > 1 }
            if !pids.isEmpty { groups.append(ProcessGroup(name: name, pids: pids)) }
        }
        return groups.isEmpty ? nil : groups
    }
}

/// What a group has used so far.
public struct ProcessUsage: Sendable, Equatable {
    /// As the group's name.
    public let name: String
    /// User and system time, microseconds. The kernel counts in ticks of 10 ms.
    public let processorMicroseconds: Int
    /// Resident memory of all processes together, bytes.
    public let residentBytes: Int
    /// The largest resident memory of one process, bytes.
    public let residentBytesMax: Int

    /// Reads what the processes of a group and their children have used; those that are gone count nothing.
    public static func read(_ group: ProcessGroup) -> ProcessUsage {
        let ticksPerSecond = max(1, sysconf(Int32(_SC_CLK_TCK)))
        let pageBytes = max(1, sysconf(Int32(_SC_PAGESIZE)))
        var ticks = 0
        var resident = 0
        var largest = 0
        for pid in group.pids.flatMap({ [$0] + children(of: $0) }) {
            ticks += processorTicks(ofStat: smallFile("/proc/\(pid)/stat")) ?? 0
            let pages = smallFile("/proc/\(pid)/statm").split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            resident += pages * pageBytes
            largest = max(largest, pages * pageBytes)
        }
        return ProcessUsage(
            name: group.name,
            processorMicroseconds: ticks * (1_000_000 / ticksPerSecond),
            residentBytes: resident,
            residentBytesMax: largest
        )
    }

    /// utime + stime of the text of /proc/PID/stat. The second field is a name in parentheses that may hold anything,
    /// so counting starts behind the last one.
    public static func processorTicks(ofStat text: String) -> Int? {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return user + system
    }

    private static func children(of pid: Int32) -> [Int32] {
        smallFile("/proc/\(pid)/task/\(pid)/children").split(whereSeparator: { $0 == " " || $0 == "\n" })
            .compactMap { Int32($0) }
    }

    private static func smallFile(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
}
