// SPDX-License-Identifier: Apache-2.0
//
// How a room speaks HTTP with browsers: the status of its page, and which other sites may use it.

/// What of HTTP a room's operator chooses.
public struct WebRules: Equatable, Sendable {
    /// The HTTP status of the waiting page; one of ``pageStatuses``.
    public var pageStatus: Int
    /// Origins, such as `https://app.example.com`, whose pages may call the API and see the answers of the gate. In
    /// small letters, without a port that is the scheme's own; at most ``originsMax``.
    public var origins: [String]

    public init(pageStatus: Int = 503, origins: [String] = []) {
        self.pageStatus = pageStatus
        self.origins = origins
    }

    /// A page that nothing keeps, and no other site.
    public static let standard = WebRules()
    /// The statuses a waiting page may have. With the first one, crawlers come again and nothing keeps the page.
    public static let pageStatuses = [503, 200, 202, 429]
    /// Origins of a room at most.
    public static let originsMax = 64
}
