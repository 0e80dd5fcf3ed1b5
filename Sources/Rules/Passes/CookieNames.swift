// SPDX-License-Identifier: Apache-2.0
//
// The cookies of a room: two of ours, and a third that the site sets. With TLS their names begin with `__Host-`, which
// makes the browser itself insist on Secure, Path=/ and no Domain, so that no other host of the site can plant one. A
// room over several hosts of a domain has `__Secure-` instead.

/// Where browsers send a room's cookies.
public struct CookieScope: Sendable, Equatable {
    /// The domain whose hosts share the cookies; nil for the one host that sets them.
    public var domain: String?
    /// Whether they are also sent with requests that pages of other sites make (SameSite=None), kept apart for each of
    /// those sites (Partitioned). Only with TLS.
    public var isForOtherSites: Bool

    public init(domain: String? = nil, isForOtherSites: Bool = false) {
        self.domain = domain
        self.isForOtherSites = isForOtherSites
    }

    /// One host, and no other site.
    public static let standard = CookieScope()
}

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
    /// Where browsers send them.
    public let scope: CookieScope

    /// The names for a room; `secure` when the visitor's scheme is https.
    public init(room: String, secure: Bool, scope: CookieScope = .standard) {
        precondition(isRoomIdentifier(room), "cookies belong to a room")
        let host = secure ? "__Host-" : ""
        let prefix = secure && scope.domain != nil ? "__Secure-" : host
        ticket = "\(prefix)vestibule-ticket-\(room)"
        pass = "\(prefix)vestibule-pass-\(room)"
        enqueue = "\(host)vestibule-enqueue-\(room)"
        self.secure = secure
        self.scope = scope
    }

    /// The names under which a room's pass may come, whatever its scope: nginx does not know it.
    public static func passes(room: String, secure: Bool) -> [String] {
        secure ? ["__Host-vestibule-pass-\(room)", "__Secure-vestibule-pass-\(room)"] : ["vestibule-pass-\(room)"]
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
        let domain = scope.domain.map { "; Domain=\($0)" } ?? ""
        let site = scope.isForOtherSites && secure ? "None; Partitioned" : "Lax"
        return
            "\(name)=\(text); Path=/\(domain); Max-Age=\(maxAgeSeconds); HttpOnly\(secureAttribute); SameSite=\(site)"
    }
}
