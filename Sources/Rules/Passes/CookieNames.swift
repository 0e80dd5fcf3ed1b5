// SPDX-License-Identifier: Apache-2.0
//
// The cookies of a room: two of ours, and a third that the site sets. With TLS their names begin with `__Host-`, which
// makes the browser itself insist on Secure, Path=/ and no Domain, so that no other host of the site can plant one.

/// The names of a room's cookies, and the Set-Cookie values that set and clear them.
public struct CookieNames: Sendable, Equatable {
    /// Holds the ticket.
    public let ticket: String
    /// Holds the pass; nginx looks for the same name.
    public let pass: String
    /// Holds the enqueue token; the site sets it, and nobody here.
    public let enqueue: String
    /// Whether the cookies are for TLS only.
    public let secure: Bool

    /// The names for a room; `secure` when the visitor's scheme is https.
    public init(room: String, secure: Bool) {
        precondition(isRoomIdentifier(room), "cookies belong to a room")
        let prefix = secure ? "__Host-" : ""
        ticket = "\(prefix)vestibule-ticket-\(room)"
        pass = "\(prefix)vestibule-pass-\(room)"
        enqueue = "\(prefix)vestibule-enqueue-\(room)"
        self.secure = secure
    }

    /// The Set-Cookie value that keeps a ticket for some seconds.
    public func setTicket(_ value: [UInt8], maxAgeSeconds: Int64) -> String {
        setCookie(ticket, value, maxAgeSeconds)
    }

    /// The Set-Cookie value that keeps a pass for some seconds.
    public func setPass(_ value: [UInt8], maxAgeSeconds: Int64) -> String {
        setCookie(pass, value, maxAgeSeconds)
    }

    /// The Set-Cookie value that makes the browser forget the ticket.
    public func clearTicket() -> String { setCookie(ticket, [], 0) }

    /// The Set-Cookie value that makes the browser forget the pass.
    public func clearPass() -> String { setCookie(pass, [], 0) }

    private func setCookie(_ name: String, _ value: [UInt8], _ maxAgeSeconds: Int64) -> String {
        let secureAttribute = secure ? "; Secure" : ""
        let text = String(decoding: value, as: UTF8.self)
        return "\(name)=\(text); Path=/; Max-Age=\(maxAgeSeconds); HttpOnly\(secureAttribute); SameSite=Lax"
    }
}
