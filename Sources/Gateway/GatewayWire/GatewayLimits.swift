// SPDX-License-Identifier: Apache-2.0
//
// Every bound of the gateway in one place, and the vocabulary for what happens at each of them.

/// The bounds a gateway server keeps. What happens at a bound is written with it.
public struct GatewayLimits: Sendable {
    /// Bytes of all parameter names, values and their lengths together. Above it the connection is closed.
    ///
    /// nginx allows 65,535 (one FastCGI record) and 4 x 8 KiB of visitor headers by default.
    public var parametersBytes = 32_768
    /// Bytes of a request body. Above it the connection is closed; nginx answers 413 before, with
    /// `client_max_body_size`.
    public var bodyBytes = 65_536
    /// Bytes of record headers and padding around one FastCGI request. Above it the connection is closed.
    ///
    /// nginx needs at most 16 a record, one record for all parameters and one for each 32 KiB of body.
    public var envelopeOverheadBytes = 4_096
    /// Bytes of a serialized response. Above it the answer becomes a 500.
    ///
    /// More than the metrics of 1,000 rooms, which take 3 MiB when their names are long. What does not fit in the empty
    /// send buffer of a socket is sent as the peer reads it.
    public var responseBytes = 8_388_608
    /// Open connections. Above it a connection is accepted and closed at once.
    public var connections = 4_096
    /// Open connections of one process of a user that `GatewayPeers` names. Above it a connection is accepted and
    /// closed at once, so that no single process takes all of them.
    public var connectionsOfProcess = 3_072
    /// Milliseconds from the first byte of a request to its last. Then the connection is closed.
    public var partialRequestMilliseconds = 2_000
    /// Milliseconds a handler has for its answer. Then the gateway answers 503 in its place.
    public var answerMilliseconds = 10_000
    /// Milliseconds a connection may stay open without a request. Then it is closed.
    ///
    /// Longer than `keepalive_timeout` of an nginx upstream (60 s), so that nginx closes first and no
    /// request meets a connection that is just being closed.
    public var idleMilliseconds = 600_000
    /// Log lines about rejected connections a second. The rest is counted and reported as a number.
    public var logLinesPerSecond = 10

    /// Creates the default bounds.
    public init() {}

    /// Bytes of the longest FastCGI request that is not rejected.
    public var envelopeBytes: Int { parametersBytes + bodyBytes + envelopeOverheadBytes }
}

/// What the bytes seen so far are.
public enum FrameOutcome: Equatable, Sendable {
    /// The start of a request; wait for more.
    case incomplete
    /// Exactly one whole request in the first `length` bytes.
    case complete(length: Int)
    /// Not a request Vestibule accepts. The connection must be closed: a broken stream has no next request.
    case reject(RejectReason)
}

/// Why a connection was closed.
public enum RejectReason: Int, CaseIterable, Sendable {
    case unsupportedVersion
    case managementRecord
    case unexpectedRecord
    case abortRequest
    case secondBegin
    case badBegin
    case unsupportedRole
    case foreignRequestID
    case paddedTerminator
    case parametersTooLarge
    case malformedParameters
    case bodyTooLarge
    case envelopeTooLarge
    case bytesAfterRequest
    case malformedNetstring
    case missingContentLength
    case malformedContentLength
    case notSCGI

    /// The reason in words, for log lines.
    public var text: StaticString {
        switch self {
        case .unsupportedVersion: "unsupported FastCGI version"
        case .managementRecord: "management record"
        case .unexpectedRecord: "record out of order"
        case .abortRequest: "abort record"
        case .secondBegin: "second begin record"
        case .badBegin: "malformed begin record"
        case .unsupportedRole: "role is not responder"
        case .foreignRequestID: "record of another request"
        case .paddedTerminator: "padding after an empty record"
        case .parametersTooLarge: "parameters too large"
        case .malformedParameters: "parameter lengths do not add up"
        case .bodyTooLarge: "body too large"
        case .envelopeTooLarge: "too many record headers"
        case .bytesAfterRequest: "bytes after the request"
        case .malformedNetstring: "malformed netstring"
        case .missingContentLength: "CONTENT_LENGTH is not first"
        case .malformedContentLength: "malformed CONTENT_LENGTH"
        case .notSCGI: "SCGI is not 1"
        }
    }
}
