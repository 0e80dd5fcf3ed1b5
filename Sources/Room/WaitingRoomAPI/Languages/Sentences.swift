// SPDX-License-Identifier: Apache-2.0
//
// Everything that visitors read, by language. A language is one file that conforms to this protocol, so that the
// compiler finds a sentence that is missing. The page that nginx shows while no worker answers has its own sentences
// (vestibule-server.conf).

package import Admission

/// The sentences of one language. Those of type `StaticString` are written into answers without a copy.
package protocol Sentences {
    /// The language tag of the page (RFC 5646).
    static var tag: String { get }
    /// The language's name in itself, for the choice of languages.
    static var name: String { get }

    // MARK: In answers, and on the page

    static var paused: StaticString { get }
    /// For a visitor who missed two calls.
    static var late: StaticString { get }
    static var ready: StaticString { get }
    static var admitted: StaticString { get }
    static var left: StaticString { get }
    static var expired: StaticString { get }
    /// Before the doors open, for those who keep the order in which they came.
    static var opening: StaticString { get }
    /// Before the doors open, for those whose places are drawn then.
    static var registered: StaticString { get }
    static var drawing: StaticString { get }
    static var ended: StaticString { get }
    /// The forecast is these three around the duration and the confidence.
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) { get }
    static var hours: StaticString { get }
    static var minutes: StaticString { get }
    static var seconds: StaticString { get }
    /// The unit of a duration that is below a minute.
    static func secondsAlone(_ count: Int) -> StaticString
    static func word(_ confidence: Confidence) -> StaticString

    // MARK: On the page

    static var title: String { get }
    static var queued: String { get }
    static var explanation: String { get }
    static var positionLabel: String { get }
    static var waitLabel: String { get }
    static var progressLabel: String { get }
    /// A range of time and the longest time, in words; `{}` is the time, which the browser writes.
    static var about: String { get }
    static var lessThan: String { get }
    /// How long the place is kept for a visitor who closes the page; `{}` is the time.
    static var kept: String { get }
    /// Why a position rose: visitors ahead came back within the grace.
    static var returned: String { get }
    static var enter: String { get }
    static var leave: String { get }
    static var leaveQuestion: String { get }
    static var stay: String { get }
    static var rejoin: String { get }
    static var notify: String { get }
    /// After `notify` was chosen.
    static var rings: String { get }
    static var languageLabel: String { get }
    static var updated: String { get }
    static var degraded: String { get }
    static var trouble: String { get }
    static var unreachable: String { get }
    static var closed: String { get }
    static var full: String { get }
    /// Too many have joined from the visitor's network.
    static var limited: String { get }
    static var preparing: String { get }
    static var cookies: String { get }
    /// For a visitor whose pass nginx refuses; the reason follows.
    static var refused: String { get }
    /// For a visitor whom the site has not named, in a room with one place for each person.
    static var tokenMissing: String { get }
    static var tokenInvalid: String { get }

    // MARK: On the page without JavaScript

    static var loadAgain: String { get }
    static var allowCookies: String { get }
    /// Two sentences: a rush needs JavaScript, and the page tries again after this many seconds.
    static func needsScript(_ seconds: Int) -> String
    static func loadsAgain(_ seconds: Int) -> String
    /// Follows `loadsAgain` for a visitor who has a place.
    static var keptMeanwhile: String { get }

    // MARK: A form that was sent to the waiting room

    /// The page keeps it.
    static var formKept: String { get }
    /// Another site has sent it; `{}` is that site's name, or `formOtherSite`.
    static var formFrom: String { get }
    static var formOtherSite: String { get }
    static var formSend: String { get }
    /// Where no script runs, with the button `formLook`.
    static var formPlain: String { get }
    static var formLook: String { get }
    /// The page cannot keep it; `formBack` follows once the visitor is in.
    static var formLost: String { get }
    static var formBack: String { get }
    static var formText: String { get }
    static var formCopy: String { get }
    static var formCopied: String { get }
    static var formGoBack: String { get }

    // MARK: Countdowns and the draw

    /// `{}` is the time until then, which the browser writes.
    static var opensIn: String { get }
    static var enterIn: String { get }
    static var drawn: String { get }
    static var drawRecord: String { get }
}
