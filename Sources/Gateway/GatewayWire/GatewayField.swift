// SPDX-License-Identifier: Apache-2.0
//
// The closed list of request parameters that Vestibule reads, and their CGI names. A parameter that is
// not in this list is ignored at the door, so that no header a visitor invents reaches the rules.

/// A request parameter that nginx hands to a worker over FastCGI or SCGI.
public enum GatewayField: Int, CaseIterable, Sendable {
    case method
    case path
    case query
    case contentType
    case cookie
    case authorization
    case idempotencyKey
    case accept
    case acceptLanguage
    case acceptEncoding
    case scheme
    case requestID
    /// The visitor's address, where joins are counted by it; empty for an address that is exempt.
    case address
    /// The visitor's address, where a pass is made or looked at: a pass may be bound to its network.
    case client
    /// The User-Agent header, in the same places.
    case agent
    case room
    case verdict
    case operation
    /// Which page has made a browser send the request, and which host it was sent to.
    case origin
    case host
    /// What the browser says a request is for (Fetch Metadata).
    case fetchMode
    case fetchDestination
    case fetchSite
    /// What nginx knows of it by other headers, see vestibule-http-common.conf; empty for nothing.
    case errand

    /// The CGI name (RFC 3875 section 4.1 where it has one), as nginx sends it with `fastcgi_param`.
    public var parameterName: StaticString {
        switch self {
        case .method: "REQUEST_METHOD"
        case .path: "DOCUMENT_URI"
        case .query: "QUERY_STRING"
        case .contentType: "CONTENT_TYPE"
        case .cookie: "HTTP_COOKIE"
        case .authorization: "HTTP_AUTHORIZATION"
        case .idempotencyKey: "HTTP_IDEMPOTENCY_KEY"
        case .accept: "HTTP_ACCEPT"
        case .acceptLanguage: "HTTP_ACCEPT_LANGUAGE"
        case .acceptEncoding: "HTTP_ACCEPT_ENCODING"
        case .scheme: "REQUEST_SCHEME"
        case .requestID: "REQUEST_ID"
        case .address: "REMOTE_ADDR"
        case .client: "VESTIBULE_CLIENT"
        case .agent: "HTTP_USER_AGENT"
        case .room: "VESTIBULE_ROOM"
        case .verdict: "VESTIBULE_VERDICT"
        case .operation: "VESTIBULE_OPERATION"
        case .origin: "HTTP_ORIGIN"
        case .host: "HTTP_HOST"
        case .fetchMode: "HTTP_SEC_FETCH_MODE"
        case .fetchDestination: "HTTP_SEC_FETCH_DEST"
        case .fetchSite: "HTTP_SEC_FETCH_SITE"
        case .errand: "VESTIBULE_ERRAND"
        }
    }

    /// The field with this CGI name, or nil for a name that Vestibule does not read.
    @inlinable
    public init?(parameterName name: UnsafeBufferPointer<UInt8>) {
        // The length picks at most four candidates, so an unknown name costs one switch.
        switch name.count {
        case 9: self.init(.host, if: name)
        case 10: self.init(.requestID, if: name)
        case 11: self.init(.cookie, .accept, .address, .origin, if: name)
        case 12: self.init(.path, .query, .contentType, if: name)
        case 14: self.init(.method, .scheme, .room, if: name)
        case 15: self.init(.agent, if: name)
        case 16: self.init(.client, .errand, if: name)
        case 17: self.init(.verdict, if: name)
        case 18: self.init(.authorization, if: name)
        case 19: self.init(.operation, .fetchMode, .fetchDestination, .fetchSite, if: name)
        case 20: self.init(.idempotencyKey, .acceptLanguage, .acceptEncoding, if: name)
        default: return nil
        }
    }

    @inlinable
    init?(_ candidates: GatewayField..., if name: UnsafeBufferPointer<UInt8>) {
        for candidate in candidates where name.spells(candidate.parameterName) {
            self = candidate
            return
        }
        return nil
    }
}
