// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in English.

internal import Admission

enum EnglishSentences: Sentences {
    static var tag: String { "en" }
    static var name: String { "English" }

    static var paused: StaticString { "The queue is paused. Your place is kept." }
    static var late: StaticString {
        "You missed your turn twice. You are still waiting, behind everyone who is here now."
    }
    static var ready: StaticString { "It is your turn." }
    static var admitted: StaticString { "You are in." }
    static var left: StaticString { "You have left the queue." }
    static var expired: StaticString { "Your place has expired. Please join again." }
    static var opening: StaticString { "The doors are not open yet. You keep your place." }
    static var registered: StaticString {
        "You are here in time. Places are drawn when the doors open: it does not matter who came first."
    }
    static var drawing: StaticString { "The places are being drawn." }
    static var ended: StaticString { "The waiting room is over." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("About ", " (confidence: ", ")")
    }
    static var hours: StaticString { " h" }
    static var minutes: StaticString { " min" }
    static var seconds: StaticString { " s" }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " second" : " seconds" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "high"
        case .good: "good"
        case .fair: "fair"
        case .low: "low"
        }
    }

    static var refused: String {
        "You are in, but this site has refused your pass twice. Please try again in a few minutes, or "
            + "tell the site. Reason:"
    }
    static var title: String { "Waiting room" }
    static var queued: String { "You are in the queue" }
    static var explanation: String {
        "Many people are here right now. Keep this page open: you will be let in automatically."
    }
    static var positionLabel: String { "Your position" }
    static var waitLabel: String { "Estimated wait" }
    static var progressLabel: String { "Progress" }
    static var about: String { "about {}" }
    static var lessThan: String { "less than {}" }
    static var kept: String { "If you close this page, your place is kept for {}." }
    static var returned: String { "People ahead of you came back to their places." }
    static var enter: String { "Enter now" }
    static var leave: String { "Leave the queue" }
    static var leaveQuestion: String { "Leave the queue? You will lose your place." }
    static var stay: String { "Stay" }
    static var rejoin: String { "Join again" }
    static var notify: String { "Alert me when it is my turn" }
    static var rings: String { "You will be alerted when it is your turn." }
    static var languageLabel: String { "Language" }
    static var updated: String { "Updated" }
    static var degraded: String { "The position may be a little old. Your place is kept." }
    static var trouble: String { "Connection trouble. Your place is kept, trying again…" }
    static var unreachable: String { "The queue cannot be reached just now. Trying again…" }
    static var closed: String { "The waiting room is closed at the moment. This page tries again by itself." }
    static var full: String { "The queue is full right now. This page tries again by itself." }
    static var limited: String { "Many people come from your network right now. This page tries again by itself." }
    static var preparing: String { "Preparing your place…" }
    static var cookies: String { "Please allow cookies for this site, then join again: your place is kept in one." }
    static var tokenMissing: String {
        "There is one place for each person here: sign in on this site, then open this page again."
    }
    static var tokenInvalid: String {
        "Your sign-in no longer counts here: sign in on this site again, then open this page again."
    }

    static var loadAgain: String { "Load it now" }
    static var allowCookies: String { "Please allow cookies for this site: your place is kept in one." }
    static func needsScript(_ seconds: Int) -> String {
        "So many people are joining that this room needs JavaScript right now. Please switch it on. "
            + "This page tries again in \(seconds) s."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript is off: this page loads itself again in \(seconds) s."
    }
    static var keptMeanwhile: String { "Your place is kept as long as it does." }

    static var formKept: String {
        "What you sent is kept in this page, and is sent again as soon as you are in. Keep this page open."
    }
    static var formFrom: String { "{} has sent you here with a form. Do you want to send it on to this site?" }
    static var formOtherSite: String { "Another site" }
    static var formSend: String { "Send it on" }
    static var formPlain: String {
        "JavaScript is off: press the button to see whether it is your turn. What you sent goes along."
    }
    static var formLook: String { "See whether it is my turn" }
    static var formLost: String {
        "What you sent cannot be kept while you wait: it holds a file, or is too large. When you are in, go "
            + "back and send it again."
    }
    static var formBack: String { "You are in. Go back and send it again." }
    static var formCopied: String { "Copied." }
    static var formText: String { "What you sent" }
    static var formCopy: String { "Copy what you sent" }
    static var formGoBack: String { "Go back" }
    static var opensIn: String { "The doors open in {}." }
    static var enterIn: String { "Please enter within {}." }
    static var drawn: String { "Your place was drawn by lot." }
    static var drawRecord: String { "The record of the draw" }
}
