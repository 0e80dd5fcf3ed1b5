// SPDX-License-Identifier: Apache-2.0
//
// How a room's page looks and speaks, where its operator has a folder for it. It imports nothing.

/// Colours, logo and sentences of a room's page.
public struct PageBrand: Equatable, Sendable {
    /// The colour of buttons and links in the light and in the dark, as `#rrggbb`; nil for the page's own.
    public var accent: String?
    public var darkAccent: String?
    /// The logo as a `data:` URL; empty for none.
    public var logo = ""
    /// What the logo says to those who do not see it.
    public var logoText = ""
    /// Sentences in place of the page's own: plain text, by language tag and by a name of ``textNames``.
    public var texts: [String: [String: String]] = [:]
    /// A page of the operator's own, as HTML with Mustache; empty for the standard page.
    public var page = ""

    public init() {}

    /// Sentences that a folder may replace.
    public static let textNames = [
        "title", "queued", "explanation", "positionLabel", "waitLabel", "enter", "leave", "notify", "rejoin",
    ]
    /// Bytes of a logo, and of a sentence, at most.
    public static let logoByteCountMax = 16_384
    public static let textByteCountMax = 300
    /// Bytes of a page of the operator's own, at most.
    public static let pageByteCountMax = 65_536

    /// The sentence of this name, or nil for the page's own.
    public func text(_ name: String, _ language: String) -> String? { texts[language]?[name] }
}
