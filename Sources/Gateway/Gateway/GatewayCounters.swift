// SPDX-License-Identifier: Apache-2.0
//
// What a gateway server has counted since it started, for metrics.

public import GatewayWire

/// Counts of one server. All grow only, except ``openConnections``.
public struct GatewayCounters: Sendable {
    /// Requests given to the handler.
    public internal(set) var requests: UInt64 = 0
    /// Connections taken, refused ones included.
    public internal(set) var acceptedConnections: UInt64 = 0
    /// Connections open now.
    public internal(set) var openConnections = 0
    /// Connections closed at once because of `GatewayLimits.connections`.
    public internal(set) var refusedConnections: UInt64 = 0
    /// Connections closed at once because their process may not speak for visitors, or has too many.
    public internal(set) var refusedPeers: UInt64 = 0
    /// Connections closed because a request was not whole in time.
    public internal(set) var expiredPartialRequests: UInt64 = 0
    /// Connections closed after a long time without a request.
    public internal(set) var expiredIdleConnections: UInt64 = 0
    /// Requests that the server answered with 503 because the handler took too long.
    public internal(set) var expiredAnswers: UInt64 = 0
    /// Requests whose peer was gone before the answer.
    public internal(set) var abandonedRequests: UInt64 = 0
    /// Requests that the server answered with 500 because the handler let the exchange go.
    public internal(set) var droppedExchanges: UInt64 = 0
    /// Answers replaced by a 500 because of `GatewayLimits.responseBytes`.
    public internal(set) var oversizedResponses: UInt64 = 0
    /// Connections closed because the peer does not read its answers.
    public internal(set) var stalledPeers: UInt64 = 0
    /// Connections closed because libfcgi or the kernel reported an error.
    public internal(set) var failedConnections: UInt64 = 0

    private var rejections = [UInt64](repeating: 0, count: RejectReason.allCases.count)

    /// Connections closed for this reason.
    public internal(set) subscript(rejected reason: RejectReason) -> UInt64 {
        get { rejections[reason.rawValue] }
        set { rejections[reason.rawValue] = newValue }
    }

    /// Connections closed for any reason of ``subscript(rejected:)``.
    public var rejectedConnections: UInt64 { rejections.reduce(0, +) }
}
