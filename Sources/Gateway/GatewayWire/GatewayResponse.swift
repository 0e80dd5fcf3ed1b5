// SPDX-License-Identifier: Apache-2.0
//
// One answer, and its CGI form (RFC 3875 section 6): a Status line, headers, a blank line, the body.
// FastCGI and SCGI carry the same bytes, so there is one serializer. Answers to HEAD are nginx's business.

/// An answer to a request.
public struct GatewayResponse: Sendable {
    /// The HTTP status. Outside 200...599 it is sent as 500.
    public var status: Int
    /// The media type of the body; empty sends none: what nginx serves instead of this answer has a type of its own.
    public var contentType: StaticString
    /// The body. Not sent with 204 and 304 (RFC 9110 sections 15.3.5 and 15.4.5).
    public var body: [UInt8]
    /// Whether `Cache-Control: no-store` is sent: what is said to one visitor is for nobody else.
    public var isUncacheable = false
    /// `Retry-After`, in seconds; nil leaves it out.
    public var retryAfterSeconds: Int?
    /// Further headers, already in wire form.
    private var headerLines: [UInt8] = []

    /// Creates an answer.
    public init(status: Int, contentType: StaticString = "application/json", body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// Adds a header, unless its value could break the header block.
    ///
    /// - Returns: false when the value holds CR, LF or NUL: the header is left out, since cutting or
    ///   escaping would send something nobody asked for.
    @discardableResult
    public mutating func addHeader(_ name: StaticString, _ value: some Collection<UInt8>) -> Bool {
        for byte in value where byte == 0x0D || byte == 0x0A || byte == 0 { return false }
        headerLines.reserveCapacity(headerLines.count + name.utf8CodeUnitCount + value.count + 4)
        name.withUTF8Buffer { headerLines.append(contentsOf: $0) }
        headerLines.append(contentsOf: ": ".utf8)
        headerLines.append(contentsOf: value)
        headerLines.append(contentsOf: "\r\n".utf8)
        return true
    }

    /// Adds a header with text as its value, sent as UTF-8.
    @discardableResult
    public mutating func addHeader(_ name: StaticString, _ value: String) -> Bool {
        addHeader(name, value.utf8)
    }

    /// Appends the CGI form to `output`.
    public func serialize(into output: inout ByteWriter) {
        let code = (200...599).contains(status) ? status : 500
        let hasBody = code != 204 && code != 304
        output.reserve(headerLines.count + body.count + 256)
        output.append("Status: ")
        output.append(decimal: code)
        output.append(UInt8(ascii: " "))
        output.append(Self.reason(code))
        if hasBody {
            if contentType.utf8CodeUnitCount > 0 {
                output.append("\r\nContent-Type: ")
                output.append(contentType)
            }
            output.append("\r\nContent-Length: ")
            output.append(decimal: body.count)
        }
        output.append("\r\n")
        if isUncacheable { output.append("Cache-Control: no-store\r\n") }
        if let retryAfterSeconds {
            output.append("Retry-After: ")
            output.append(decimal: max(0, retryAfterSeconds))
            output.append("\r\n")
        }
        output.append(headerLines)
        output.append("\r\n")
        if hasBody { output.append(body) }
    }

    /// The reason phrase of RFC 9110 section 15 for the statuses Vestibule uses.
    private static func reason(_ code: Int) -> StaticString {
        switch code {
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}
