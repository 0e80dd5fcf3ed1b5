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
    /// The domain whose hosts share the room's cookies; nil for each host by itself.
    public var cookieDomain: String?
    /// Whether pages of other sites may show the site in a frame, or call it with its cookies.
    public var isForOtherSites: Bool
    /// Whether the API speaks to clients that know only "waiting" and "expired", and enter as soon as they are ready.
    public var speaksReference: Bool
    /// Whether a GET that takes only JSON waits as a person does, and is answered in the form of Cloudflare's product.
    public var speaksCloudflare = false
    /// Paths to which other sites send people back by a form: what is, or is below, one of these is sent on at once. At
    /// most ``returnsMax``.
    public var returns: [String]

    /// The folder with what the page looks like, as the file names it; nil for the page as it is.
    public var pageFolder: String?
    /// What is in that folder.
    public var brand: PageBrand?

    public init(
        pageStatus: Int = 503,
        origins: [String] = [],
        cookieDomain: String? = nil,
        isForOtherSites: Bool = false,
        speaksReference: Bool = false,
        returns: [String] = []
    ) {
        self.pageStatus = pageStatus
        self.origins = origins
        self.cookieDomain = cookieDomain
        self.isForOtherSites = isForOtherSites
        self.speaksReference = speaksReference
        self.returns = returns
    }

    /// Whether other sites send people back to this path. By the rule of `protect.except` (GuardMaps.swift): a path
    /// covers itself and what is below it.
    public func leadsBack(to path: String) -> Bool {
        returns.contains { path == $0 || path.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }
    }

    /// A page that nothing keeps, and no other site.
    public static let standard = WebRules()
    /// The statuses a waiting page may have. With the first one, crawlers come again and nothing keeps the page.
    public static let pageStatuses = [503, 200, 202, 429]
    /// Origins of a room at most.
    public static let originsMax = 64
    /// Paths in ``returns`` at most.
    public static let returnsMax = 64
}
