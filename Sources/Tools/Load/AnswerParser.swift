// SPDX-License-Identifier: Apache-2.0
//
// Reads HTTP/1.1 answers as the load generator needs them: where one ends, its status, and whether the connection
// stays. Only what nginx sends here is understood: Content-Length or chunked bodies, no pipelining, no 1xx answers.
// Why no library: none of the allowed packages parses HTTP/1.1 without SwiftNIO and its own event loop.

/// What the bytes so far amount to.
public enum AnswerProgress: Equatable, Sendable {
    /// More has to come.
    case incomplete
    /// A whole answer.
    case complete(AnswerFrame)
    /// Not an answer this parser knows, or bytes beyond it.
    case malformed
}

/// The frame of one answer.
public struct AnswerFrame: Equatable, Sendable {
    /// The status code, 200...999.
    public var status: Int
    /// Where the body lies in the bytes. Chunk sizes of a chunked body are inside.
    public var body: Range<Int>
    /// Whether the server closes the connection after it.
    public var closes: Bool

    /// Describes an answer.
    public init(status: Int, body: Range<Int>, closes: Bool) {
        self.status = status
        self.body = body
        self.closes = closes
    }
}

/// Finds the end of one answer. It remembers how far it has looked, so bytes that come one by one cost no more.
public struct AnswerParser {
    private var frame: AnswerFrame?
    private var isChunked = false
    private var searched = 0
    private var isBroken = false

    /// Starts with no bytes seen.
    public init() {}

    /// Forgets the answer; the next call starts a new one.
    public mutating func reset() { self = AnswerParser() }

    /// Looks at all bytes received since the answer began.
    public mutating func parse(_ bytes: UnsafeRawBufferPointer) -> AnswerProgress {
        if frame == nil {
            guard let end = bytes.find("\r\n\r\n", from: max(0, searched - 3)) else {
                searched = bytes.count
                return isPrefixPlausible(bytes) ? .incomplete : .malformed
            }
            guard readHead(bytes, end: end) else { return .malformed }
            searched = end + 4
        }
        guard var frame else { return .malformed }
        if isChunked {
            switch walkChunks(bytes) {
            case .some(let end): frame.body = frame.body.lowerBound..<end
            case .none: return isBroken ? .malformed : .incomplete
            }
        }
        if bytes.count < frame.body.upperBound { return .incomplete }
        return bytes.count == frame.body.upperBound ? .complete(frame) : .malformed
    }

    /// The end of a chunked body without trailers, which nginx never sends; nil when it is not there yet or broken.
    /// `searched` is where the next chunk's size begins.
    private mutating func walkChunks(_ bytes: UnsafeRawBufferPointer) -> Int? {
        while let lineEnd = bytes.find("\r\n", from: searched) {
            guard let size = bytes.hexadecimal(searched..<lineEnd) else {
                isBroken = true
                return nil
            }
            let next = lineEnd + 2 + size + 2
            if size == 0 { return next }
            guard next <= bytes.count else { return nil }
            searched = next
        }
        isBroken = bytes.count - searched > 18
        return nil
    }

    private func isPrefixPlausible(_ bytes: UnsafeRawBufferPointer) -> Bool {
        zip(bytes, "HTTP/1.1 ".utf8).allSatisfy { $0 == $1 }
    }

    /// Reads status line and headers; false when they cannot be used.
    private mutating func readHead(_ bytes: UnsafeRawBufferPointer, end: Int) -> Bool {
        guard end >= 12, isPrefixPlausible(bytes) else { return false }
        var status = 0
        for index in 9..<12 {
            guard let digit = bytes.digit(at: index) else { return false }
            status = status * 10 + digit
        }
        guard status >= 200 else { return false }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<(end + 2)])
        let bodyStart = end + 4
        var length = 0
        if let field = head.find("\r\nContent-Length: ", from: 12) {
            guard let value = head.integer(at: field + 18) else { return false }
            length = value
        } else if head.find("\r\nTransfer-Encoding: chunked\r\n", from: 12) != nil {
            isChunked = true
        } else if status != 204 && status != 304 {
            return false
        }
        let closes = head.find("\r\nConnection: close\r\n", from: 12) != nil
        frame = AnswerFrame(status: status, body: bodyStart..<bodyStart + length, closes: closes)
        return true
    }
}
