// SPDX-License-Identifier: Apache-2.0
//
// How many descriptors this process may have open. A server that keeps thousands of connections needs more than a shell
// gives.

internal import Glibc

public enum DescriptorLimit {
    /// Raises the soft limit to the hard one (getrlimit(2)); returns the limit in force. What cannot be raised stays: a
    /// listener that runs out of descriptors pauses and goes on.
    @discardableResult
    public static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_max : before)
    }
}
