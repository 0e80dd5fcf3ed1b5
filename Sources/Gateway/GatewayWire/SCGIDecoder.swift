// SPDX-License-Identifier: Apache-2.0
//
// SCGI (https://python.ca/scgi/protocol.txt): a netstring of NUL-terminated names and values that starts
// with CONTENT_LENGTH and holds SCGI=1, then the body. One request per connection.
// Why no library: we know of none in Swift or C that decodes SCGI.

/// Decodes one SCGI request.
///
/// It keeps no state: a request whose headers are not whole costs a look at its first few bytes.
public struct SCGIDecoder: Sendable {
    private let limits: GatewayLimits

    /// Creates a decoder with these bounds.
    public init(limits: GatewayLimits) {
        self.limits = limits
    }

    /// Judges the bytes of a connection and, once the request is whole, fills `request`.
    ///
    /// - Parameters:
    ///   - bytes: everything received on the connection.
    ///   - request: empty (see ``GatewayRequest/reset()``). Filled only when the outcome is `.complete`; after a
    ///     `.reject` its content means nothing.
    public func decode(_ bytes: UnsafeBufferPointer<UInt8>, into request: inout GatewayRequest) -> FrameOutcome {
        var size = 0
        var index = 0
        while index < bytes.count, bytes[index] != UInt8(ascii: ":") {
            guard let digit = Self.digit(bytes[index]), index == 0 || size > 0 else {
                return .reject(.malformedNetstring)
            }
            size = size * 10 + digit
            if size > limits.parametersBytes { return .reject(.parametersTooLarge) }
            index += 1
        }
        guard index < bytes.count else { return .incomplete }
        guard index > 0, size > 0 else { return .reject(.malformedNetstring) }
        let start = index + 1
        let comma = start + size
        guard comma < bytes.count else { return .incomplete }
        guard bytes[comma] == UInt8(ascii: ","), bytes[comma - 1] == 0 else { return .reject(.malformedNetstring) }
        let headers = UnsafeBufferPointer(rebasing: bytes[start..<comma])
        var bodyBytes: Int
        switch contentLength(headers) {
        case .success(let length): bodyBytes = length
        case .failure(let rejection): return .reject(rejection.reason)
        }
        if let reason = fill(&request, from: headers) { return .reject(reason) }
        // With scgi_pass_request_body off, nginx 1.22 still names the length of the visitor's body and sends none.
        // Our include files use that for exactly the requests that name an operation, and no type of a body.
        if !request[.operation].isEmpty, request[.contentType].isEmpty { bodyBytes = 0 }
        if bodyBytes > limits.bodyBytes { return .reject(.bodyTooLarge) }
        let end = comma + 1 + bodyBytes
        if bytes.count < end {
            request.reset()
            return .incomplete
        }
        if bytes.count > end { return .reject(.bytesAfterRequest) }
        if bodyBytes > 0 { request.appendBody(UnsafeBufferPointer(rebasing: bytes[(comma + 1)...])) }
        return .complete(length: end)
    }

    private struct Rejection: Error {
        let reason: RejectReason
    }

    /// Reads the first header, which has to be CONTENT_LENGTH.
    private func contentLength(_ headers: UnsafeBufferPointer<UInt8>) -> Result<Int, Rejection> {
        let name: StaticString = "CONTENT_LENGTH"
        guard headers.count > name.utf8CodeUnitCount, headers[name.utf8CodeUnitCount] == 0,
            UnsafeBufferPointer(rebasing: headers[..<name.utf8CodeUnitCount]).spells(name)
        else { return .failure(Rejection(reason: .missingContentLength)) }
        var index = name.utf8CodeUnitCount + 1
        let first = index
        var length = 0
        while index < headers.count, headers[index] != 0 {
            guard let digit = Self.digit(headers[index]) else {
                return .failure(Rejection(reason: .malformedContentLength))
            }
            length = length * 10 + digit
            // Far above any bound, far below an overflow; the bound itself depends on the headers.
            if length > 1 << 48 { return .failure(Rejection(reason: .bodyTooLarge)) }
            index += 1
        }
        // An empty value is not a number; the specification asks for CONTENT_LENGTH always, 0 without a body.
        return index == first ? .failure(Rejection(reason: .malformedContentLength)) : .success(length)
    }

    private func fill(_ request: inout GatewayRequest, from headers: UnsafeBufferPointer<UInt8>) -> RejectReason? {
        var index = 0
        var isSCGI = false
        while index < headers.count {
            guard let name = Self.text(headers, from: &index), let value = Self.text(headers, from: &index) else {
                return .malformedParameters
            }
            if name.isEmpty { return .malformedParameters }
            if name.spells("SCGI") { isSCGI = value.spells("1") }
            request.set(name, value: value)
        }
        return isSCGI ? nil : .notSCGI
    }

    /// The bytes up to the next NUL; nil when there is none left, so that a name lacks its value.
    private static func text(
        _ headers: UnsafeBufferPointer<UInt8>,
        from index: inout Int
    ) -> UnsafeBufferPointer<UInt8>? {
        let start = index
        while index < headers.count, headers[index] != 0 { index += 1 }
        guard index < headers.count else { return nil }
        index += 1
        return UnsafeBufferPointer(rebasing: headers[start..<index - 1])
    }

    private static func digit(_ byte: UInt8) -> Int? {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - UInt8(ascii: "0")) : nil
    }
}
