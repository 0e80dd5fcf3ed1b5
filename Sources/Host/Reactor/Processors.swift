// SPDX-License-Identifier: Apache-2.0
//
// How many processors this process may really use: a container or a unit on a machine of 64 may have been given two.

internal import CLinux
internal import Glibc

/// Processors, as the kernel lets this process use them.
public enum Processors {
    /// At least 1: those in the affinity mask, and no more than the CPU quotas of the control groups (cgroup v2) allow,
    /// rounded up.
    public static var available: Int {
        let affinity = Int(linux_processors())
        let count = affinity > 0 ? affinity : sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let group = (try? Files.readText("/proc/self/cgroup")).flatMap(unifiedGroup(in:)) ?? "/"
        return max(1, min(count, quota(of: group, under: "/sys/fs/cgroup") ?? count))
    }

    /// The group in the unified hierarchy: the line `0::/path` of /proc/self/cgroup.
    public static func unifiedGroup(in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
    }

    /// The smallest quota of a group and of the groups around it, in processors; nil when none of them has one.
    public static func quota(of group: String, under root: String) -> Int? {
        let names = group.split(separator: "/")
        return (0...names.count).compactMap { depth in
            let folder = names.prefix(depth).map { "/\($0)" }.joined()
            return (try? Files.readText("\(root)\(folder)/cpu.max")).flatMap(quota(in:))
        }.min()
    }

    /// `QUOTA PERIOD` in microseconds, or `max PERIOD`.
    private static func quota(in text: String) -> Int? {
        let words = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard words.count == 2, words[0] > 0, words[1] > 0 else { return nil }
        return (words[0] + words[1] - 1) / words[1]
    }
}
