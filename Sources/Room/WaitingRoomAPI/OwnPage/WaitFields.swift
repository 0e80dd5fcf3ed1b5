// SPDX-License-Identifier: Apache-2.0
//
// A visitor's wait by the names that Cloudflare's Waiting Room gives to its parts, so that a page or an app written for
// it moves over: the variables of a page of the operator's own, and the members of `cfWaitingRoom` in JSON. What each
// means: deploy/README.md.

internal import Admission
internal import StrictJSON

/// What a page may say of a wait.
struct WaitFields {
    /// In the order of Cloudflare's answer.
    private(set) var members: [(name: String, value: JSONValue)] = []

    /// Names whose value differs from visitor to visitor, or changes while somebody waits. The others are constant.
    static let changing: Set<String> = [
        "waitTimeKnown", "waitTime", "waitTimeFormatted", "waitTimeHours", "waitTimeHourMinutes", "queueIsFull",
        "queueAll", "lastUpdated", "refreshIntervalSeconds", "isEventActive", "isEventPrequeueing",
        "timeUntilEventStart", "timeUntilEventStartFormatted", "timeUntilEventEnd", "timeUntilEventEndFormatted",
        "shuffleAtEventStart", "position",
    ]

    /// The order of places is one for all: who comes first goes first, but for a draw at the opening.
    static let constant: [(name: String, value: JSONValue)] = [
        ("inWaitingRoom", .bool(true)), ("waitTime25Percentile", .integer(0)), ("waitTime50Percentile", .integer(0)),
        ("waitTime75Percentile", .integer(0)), ("queueingMethod", .string("fifo")), ("isFIFOQueue", .bool(true)),
        ("isRandomQueue", .bool(false)), ("isPassthroughQueue", .bool(false)), ("isRejectQueue", .bool(false)),
        // Work for a join is asked for by the page's own script.
        ("turnstile", .string("")), ("infiniteQueue", .bool(false)),
    ]

    /// - Parameters:
    ///   - line: the visitor's place, where there is one; a newcomer would be behind all who wait.
    ///   - refreshSeconds: when a client that runs no script of ours asks again.
    init(
        _ room: Room,
        at line: (place: Int, position: Int)?,
        refreshSeconds: Int,
        _ language: Language,
        _ api: APIContext
    ) {
        let policy = room.policy
        let (now, wall) = (room.opensIn(nowMilliseconds: api.now), api.environment.wallMilliseconds())
        let position = line?.position ?? room.mirror.count + 1
        let isHeld = policy.mode != .open || now > 0
        let isLate = line.map { $0.place >= RankIndex.lateOffset } ?? false
        let estimate = isHeld || isLate ? nil : room.estimate(position: position)
        let minutes = estimate.map { WaitFields.minutes(seconds: $0.seconds) } ?? 0
        let untilStart = WaitFields.minutes(seconds: (now + 999) / 1000)
        let ends = policy.closesMilliseconds > wall
        let untilEnd = ends ? WaitFields.minutes(seconds: (policy.closesMilliseconds - wall) / 1000) : 0
        func words(_ amount: Int, _ isKnown: Bool) -> JSONValue {
            .string(isKnown ? WaitFields.words(minutes: amount, language) : "unavailable")
        }
        let isFull = policy.mode == .closed || policy.mode == .ended || room.mirror.count >= policy.capacity
        let known: [(String, JSONValue)] = [
            ("inWaitingRoom", .bool(true)),
            ("waitTimeKnown", .bool(estimate != nil)),
            ("waitTime", .integer(Int64(minutes))),
            ("waitTimeHours", .integer(Int64(minutes / 60))),
            ("waitTimeHourMinutes", .integer(Int64(minutes % 60))),
            ("waitTimeFormatted", words(minutes, estimate != nil)),
            ("queueIsFull", .bool(line == nil && isFull)),
            ("queueAll", .bool(isHeld)),
            ("lastUpdated", .string(WaitFields.text(wallMilliseconds: wall))),
            ("refreshIntervalSeconds", .integer(Int64(refreshSeconds))),
            ("isEventActive", .bool(now > 0 || ends)),
            ("isEventPrequeueing", .bool(now > 0)),
            ("timeUntilEventStart", .integer(Int64(untilStart))),
            ("timeUntilEventStartFormatted", words(untilStart, now > 0)),
            ("timeUntilEventEnd", .integer(Int64(untilEnd))),
            ("timeUntilEventEndFormatted", words(untilEnd, ends)),
            ("shuffleAtEventStart", .bool(now > 0 && policy.draw != .off)),
            ("position", line.map { .integer(Int64($0.position)) } ?? .null),
        ]
        members = known + WaitFields.constant.filter { $0.name != "inWaitingRoom" }
    }

    /// ISO 8601 in UTC, to the millisecond as JavaScript writes it.
    private static func text(wallMilliseconds wall: Int) -> String {
        LocalTime(secondsAsUTC: wall / 1000).text + ".\(String(1000 + wall % 1000).dropFirst())Z"
    }

    private static func minutes(seconds: Int) -> Int { (seconds + 59) / 60 }

    /// What a page without JavaScript says; with it, the browser writes the amount.
    private static func words(minutes: Int, _ language: Language) -> String {
        let (hours, rest) = (minutes / 60, minutes % 60)
        guard language == .english else {
            let words = language.sentences
            return [(hours, words.hours), (rest, words.minutes)].filter { $0.0 > 0 || minutes == 0 && $0.0 == rest }
                .map { "\($0.0)\($0.1)" }.joined(separator: " ")
        }
        let parts = [(hours, "hour"), (rest, "minute")].filter { $0.0 > 0 }.map {
            "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")"
        }
        return parts.isEmpty ? "0 minutes" : parts.joined(separator: " ")
    }

    /// As text in HTML; "–" where there is none.
    func text(_ name: String) -> String {
        switch members.first(where: { $0.name == name })?.value {
        case .string(let text): HTML.escaped(text)
        case .integer(let number): String(number)
        case .bool(let flag): String(flag)
        default: "–"
        }
    }

    /// Whether a section of that name is shown: true, or a number or a text that is there.
    func holds(_ name: String) -> Bool {
        switch members.first(where: { $0.name == name })?.value {
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .string(let text): !text.isEmpty
        default: false
        }
    }

    /// An object of all of them. Nothing in it can end a script element.
    var json: JSONValue { .members(members.map { ($0.name, $0.value) }) }
}
