// SPDX-License-Identifier: Apache-2.0
//
// The right to answer one request, once, now or later. It is the only thing a handler sees of the connection.

public import GatewayWire

/// Handles one request: looks at it during the call, and answers through the exchange during the call or
/// any time later in the same thread.
///
/// The storage behind the request is used again after the call. A copy or a slice that is kept stays correct
/// (arrays copy on write) and costs the server one allocation.
public typealias GatewayHandler = (GatewayRequest, GatewayExchange) -> Void

/// What takes the answer of an exchange: a connection, or a recorder in a test.
public protocol GatewayAnswerSink: AnyObject {
    /// Takes the answer to the request with this serial number, and ignores it if that request is over.
    func answer(_ response: GatewayResponse, serial: UInt64)
    /// Whether somebody still waits for the answer to this request.
    func isOpen(serial: UInt64) -> Bool
    /// Learns that nobody can answer this request any more.
    func dropped(serial: UInt64)
}

/// One request that waits for its answer.
///
/// The server answers 500 for an exchange that is let go without an answer, and 503 for an exchange that is held too
/// long (see `GatewayLimits.answerMilliseconds`).
public final class GatewayExchange {
    private let sink: any GatewayAnswerSink
    private let serial: UInt64
    private var isAnswered = false

    /// Creates an exchange for the request that `sink` knows under `serial`.
    public init(sink: any GatewayAnswerSink, serial: UInt64) {
        self.sink = sink
        self.serial = serial
    }

    deinit {
        if !isAnswered { sink.dropped(serial: serial) }
    }

    /// Whether an answer would still reach somebody.
    public var isOpen: Bool { !isAnswered && sink.isOpen(serial: serial) }

    /// Sends the answer. Does nothing the second time, or when the peer is gone.
    public func respond(_ response: GatewayResponse) {
        guard !isAnswered else { return }
        isAnswered = true
        sink.answer(response, serial: serial)
    }
}

extension GatewayResponse {
    /// An error that the gateway reports by itself, in the form of the HTTP API.
    static func failure(_ status: Int, code: String, message: String) -> GatewayResponse {
        let text = #"{"error":{"code":"\#(code)","message":"\#(message)","trace_id":""}}"#
        var response = GatewayResponse(status: status, body: Array(text.utf8))
        response.isUncacheable = true
        if status == 503 { response.retryAfterSeconds = 1 }
        return response
    }
}
