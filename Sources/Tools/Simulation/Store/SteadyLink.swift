// SPDX-License-Identifier: Apache-2.0
//
// What the links of tests have in common.

public import QueueClient

/// A link to the only server, which is always connected.
public protocol SteadyLink: RedisLink {}

extension SteadyLink {
    public func open() {}
    public func close() {}
    public func flush() {}
    public var isOneServer: Bool { true }
    public var lastErrorText: String { "" }
    public func isReady(room: String) -> Bool { true }
}
