// SPDX-License-Identifier: Apache-2.0
//
// Looks at the peeked bytes of one FastCGI request before libfcgi may read them. libfcgi 2.4.2 blocks on a
// request that is not whole, can be crashed by one GET_VALUES record, and adds up parameter lengths in
// 32 bits (CVE-2025-23016), so it is only ever shown a whole request of the one shape nginx sends:
//
//     BEGIN (responder) -> PARAMS ... -> empty PARAMS -> STDIN ... -> empty STDIN
//
// Record layout: FastCGI 1.0 sections 3.3 and 8.

/// Judges whether a connection holds exactly one acceptable FastCGI request.
///
/// Feed it the bytes from the start of the request, with more of them each time; it goes on where it
/// stopped, so that looking again costs only the new bytes.
public struct FastCGIGuard: Sendable {
    private enum Phase {
        case begin
        case parameters
        case body
        case done
    }

    /// Where the scan is inside the name-value pairs, which may be cut by record borders anywhere.
    private enum Pair {
        /// Reading a length: `known` of `total` bytes (1 or 4; 0 when not yet known) give `value`.
        case length(isName: Bool, known: Int, total: Int, value: Int, nameBytes: Int)
        /// Skipping the name and the value.
        case content(remaining: Int)

        static let start = Pair.length(isName: true, known: 0, total: 0, value: 0, nameBytes: 0)
    }

    private static let headerBytes = 8
    private let limits: GatewayLimits
    private var phase = Phase.begin
    /// Bytes accepted so far; always a record border.
    private var position = 0
    private var requestID = 0
    private var parametersBytes = 0
    private var bodyBytes = 0
    private var pair = Pair.start

    /// Creates a guard that waits for a begin record.
    public init(limits: GatewayLimits) {
        self.limits = limits
    }

    /// Starts again for the next request of the connection.
    public mutating func reset() {
        self = FastCGIGuard(limits: limits)
    }

    /// Judges the request from its first byte to the last one known.
    ///
    /// - Parameter bytes: never fewer bytes than in the call before, and the same ones at the start.
    public mutating func inspect(_ bytes: UnsafeBufferPointer<UInt8>) -> FrameOutcome {
        while phase != .done {
            let available = bytes.count - position
            // The version is judged as soon as it is there: a peer that speaks HTTP need not finish.
            if available >= 1, bytes[position] != 1 { return .reject(.unsupportedVersion) }
            if position + Self.headerBytes > limits.envelopeBytes { return .reject(.envelopeTooLarge) }
            guard available >= Self.headerBytes else { return .incomplete }
            let content = Int(bytes[position + 4]) << 8 | Int(bytes[position + 5])
            let padding = Int(bytes[position + 6])
            if let reason = judgeHeader(bytes, content: content, padding: padding) { return .reject(reason) }
            let end = position + Self.headerBytes + content + padding
            if end > limits.envelopeBytes { return .reject(.envelopeTooLarge) }
            guard end <= bytes.count else { return .incomplete }
            if phase == .begin { requestID = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3]) }
            let start = position + Self.headerBytes
            if let reason = takeRecord(UnsafeBufferPointer(rebasing: bytes[start..<start + content])) {
                return .reject(reason)
            }
            position = end
        }
        // libfcgi reads ahead and drops what follows a request, so a pipelining peer cannot be served.
        return position < bytes.count ? .reject(.bytesAfterRequest) : .complete(length: position)
    }

    /// Judges a record by its header alone, before its content has arrived.
    private func judgeHeader(_ bytes: UnsafeBufferPointer<UInt8>, content: Int, padding: Int) -> RejectReason? {
        let type = bytes[position + 1]
        let id = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
        if id == 0 { return .managementRecord }
        if phase == .begin {
            guard type == RecordType.begin else { return type == RecordType.abort ? .abortRequest : .unexpectedRecord }
            // libfcgi forgets the padding of a begin record and of an empty one, and then reads it as the next header.
            return content == 8 && padding == 0 ? nil : .badBegin
        }
        if type == RecordType.begin { return .secondBegin }
        if type == RecordType.abort { return .abortRequest }
        if id != requestID { return .foreignRequestID }
        guard type == (phase == .parameters ? RecordType.parameters : RecordType.body) else { return .unexpectedRecord }
        if content == 0, padding != 0 { return .paddedTerminator }
        if phase == .parameters, parametersBytes + content > limits.parametersBytes { return .parametersTooLarge }
        if phase == .body, bodyBytes + content > limits.bodyBytes { return .bodyTooLarge }
        return nil
    }

    /// Takes the content of a whole record whose header was accepted.
    private mutating func takeRecord(_ content: UnsafeBufferPointer<UInt8>) -> RejectReason? {
        switch phase {
        case .begin:
            // Role responder (FastCGI 1.0 section 5.1); the flags are libfcgi's.
            guard content[0] == 0, content[1] == 1 else { return .unsupportedRole }
            phase = .parameters
        case .parameters where content.isEmpty:
            guard case .length(true, 0, _, _, _) = pair else { return .malformedParameters }
            phase = .body
        case .parameters:
            parametersBytes += content.count
            return walkPairs(content)
        case .body where content.isEmpty:
            phase = .done
        case .body:
            bodyBytes += content.count
        case .done:
            break
        }
        return nil
    }

    private mutating func walkPairs(_ content: UnsafeBufferPointer<UInt8>) -> RejectReason? {
        var index = 0
        while index < content.count {
            switch pair {
            case .content(let remaining):
                let step = min(remaining, content.count - index)
                index += step
                pair = step == remaining ? .start : .content(remaining: remaining - step)
            case .length(let isName, let known, let total, let value, let nameBytes):
                let byte = Int(content[index])
                index += 1
                // A length is one byte below 128, or four with the top bit set (FastCGI 1.0 section 3.4).
                let size = known > 0 ? total : (byte < 128 ? 1 : 4)
                let sum = known > 0 ? value << 8 | byte : byte & 127
                if known + 1 < size {
                    pair = .length(isName: isName, known: known + 1, total: size, value: sum, nameBytes: nameBytes)
                } else if sum > limits.parametersBytes {
                    return .malformedParameters
                } else if isName {
                    pair = .length(isName: false, known: 0, total: 0, value: 0, nameBytes: sum)
                } else {
                    pair = nameBytes + sum == 0 ? .start : .content(remaining: nameBytes + sum)
                }
            }
        }
        return nil
    }
}

/// Record types of FastCGI 1.0 section 8 that the guard tells apart.
private enum RecordType {
    static let begin: UInt8 = 1
    static let abort: UInt8 = 2
    static let parameters: UInt8 = 4
    static let body: UInt8 = 5
}
