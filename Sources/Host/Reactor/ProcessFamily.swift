// SPDX-License-Identifier: Apache-2.0
//
// Which process is whose child, from /proc.

internal import Glibc

/// Processes of this host.
public enum ProcessFamily {
    /// The process that a pid file names; nil when it names none.
    public static func pid(inFile path: String) -> Int32? {
        guard let text = try? Files.readText(path, upTo: 4096) else { return nil }
        return Int32(text.prefix { $0.isNumber }).flatMap { $0 > 0 ? $0 : nil }
    }

    /// The parent of a process; nil when there is no such process, or it is out of sight.
    public static func parent(of pid: Int32) -> Int32? {
        guard let bytes = try? Files.read("/proc/\(pid)/stat") else { return nil }
        // The name of the program, in parentheses, may hold anything; the state and the parent follow it.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[end...].split(separator: UInt8(ascii: " "))
        return fields.count > 2 ? Int32(String(decoding: fields[2], as: UTF8.self)) : nil
    }
}
