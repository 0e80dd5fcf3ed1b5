// SPDX-License-Identifier: Apache-2.0
//
// The way to the Redis that has a room: one server, the master that Sentinel names, or a node of a Cluster (all in
// RedisQueue), or a simulated server. What calls scripts sees only this.

/// Runs once per command.
public typealias RedisCompletion = (Result<RedisReply, RedisFailure>) -> Void

/// Finds the server of a room, follows it when it moves, and sends commands there.
public protocol RedisLink: AnyObject {
    /// Starts to connect, and keeps connected until `close()`.
    func open()
    /// Ends every connection; what is in flight fails.
    func close()
    /// Writes what this turn of the loop has gathered. Call it at the end of the turn.
    func flush()
    /// Whether every room is at the same server, so that a key without a room may stand beside a room's keys.
    var isOneServer: Bool { get }
    /// Whether a command for this room would be sent now.
    func isReady(room: String) -> Bool
    /// Sends a command whose keys all belong to `room`. The completion runs once: later in the loop, or at once when
    /// there is no connection. Where all rooms are at one server, the room may be empty.
    func send(_ arguments: [RedisArgument], room: String, _ completion: @escaping RedisCompletion)
    /// Why there is no connection, in words for people.
    var lastErrorText: String { get }
    /// Called with true when a server has become usable, with false when one has ceased to be.
    var onReadyChange: ((Bool) -> Void)? { get set }
}

/// Why a command has no reply. An error reply of Redis itself is a reply.
public enum RedisFailure: Error, Equatable, Sendable {
    /// Not connected now, or the connection ended before the reply. The command may have taken effect.
    case unavailable(String)
    /// No reply within the deadline; the connection was dropped, since replies match commands only by their order.
    case timedOut
    /// As many commands are in flight as the bound allows; this one was not sent.
    case busy
}
