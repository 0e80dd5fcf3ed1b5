// SPDX-License-Identifier: Apache-2.0
//
// What a visitor sees: the one place that turns a standing into status, position, ETA, poll hint and sentence.

internal import Admission

/// The members that join and status answers share.
struct VisitorView {
    var status: StaticString
    var position: Int?
    var estimate: WaitEstimate?
    var isReady = false
    var isPaused = false
    /// Two calls have lapsed: the visitor waits behind everybody else, and shows no board's place.
    var isLate = false
    /// When the doors open, in milliseconds since 1970; nil when they are open.
    var opensAtMilliseconds: Int?
    /// Until when a called visitor may enter, in milliseconds of Redis' time; nil when that is not known.
    var enterByMilliseconds: Int?
    /// The place comes from a draw.
    var isDrawn = false
    /// The room is over: there is nothing to join again.
    var isOver = false
    /// The operator's message; empty for none.
    var notice = ""
    var pollAfterMilliseconds: Int
    var message: WaitMessage
    var language: Language

    func write(into json: inout JSONWriter) {
        json.member("status", status)
        json.member("position", position)
        json.member("position_hint", position)
        json.member("eta_sec", estimate?.seconds)
        json.member("eta_low_sec", estimate?.lowSeconds)
        json.member("eta_high_sec", estimate?.highSeconds)
        if let confidence = estimate?.confidence {
            json.member("confidence", scaled: Int(confidence.rawValue * 10), digits: 1)
        } else {
            json.memberNull("confidence")
        }
        json.member("poll_after_ms", pollAfterMilliseconds)
        if isLate { json.member("late", true) }
        if let opensAtMilliseconds { json.member("opens_at_ms", opensAtMilliseconds) }
        if let enterByMilliseconds { json.member("enter_by_ms", enterByMilliseconds) }
        if isDrawn { json.member("drawn", true) }
        if isOver { json.member("ended", true) }
        if !notice.isEmpty { json.member("notice", notice) }
        message.write(into: &json, "message", language)
    }
}

extension VisitorView {
    /// Of a visitor who waits at a place in the line, with this position.
    static func waiting(
        in room: Room,
        at place: Int,
        _ position: Int,
        _ language: Language,
        _ api: APIContext
    ) -> VisitorView {
        if room.policy.mode == .ended { return ended(room, language) }
        let opensIn = room.opensIn(nowMilliseconds: api.now)
        if opensIn > 0 || room.isRegistered(place) {
            return before(in: room, at: place, position, opensIn, language, api)
        }
        let isPaused = room.policy.mode == .paused
        // Everybody who is yet to come goes before those who let two calls lapse: nothing can be promised to them.
        let isLate = place >= RankIndex.lateOffset
        let estimate = isPaused || isLate ? nil : room.estimate(position: position)
        // Never hint later than the configured rate would call this visitor. A slow history would otherwise delay
        // polls, delay entries, and become slower still.
        let soonest = room.policy.rateMilli > 0 ? position * 1000 / room.policy.rateMilli : Int.max
        let poll = PollPacing.hintMilliseconds(
            etaSeconds: estimate.map { min($0.seconds, soonest) },
            position: position,
            waiting: room.mirror.count,
            budgetPerSecond: room.policy.pollBudget,
            policy: room.policy,
            jitter: api.environment.random()
        )
        return VisitorView(
            status: isPaused ? "paused" : "waiting",
            position: position,
            estimate: estimate,
            isPaused: isPaused,
            isLate: isLate,
            isDrawn: room.isDrawn(place),
            notice: room.seen.last.notice,
            pollAfterMilliseconds: poll,
            message: isPaused ? .paused : isLate ? .late : estimate.map { .wait($0) } ?? .paused,
            language: language
        )
    }

    /// Of a visitor who is here before the doors open, or before the places are drawn: those who are registered have no
    /// position yet. Their polls are spread over half of the claim window behind the opening, so that those who are
    /// called first learn of it in time.
    private static func before(
        in room: Room,
        at place: Int,
        _ position: Int,
        _ opensIn: Int,
        _ language: Language,
        _ api: APIContext
    ) -> VisitorView {
        let isRegistered = room.isRegistered(place)
        let policy = room.policy
        let wait = isRegistered ? nil : room.estimate(position: position)
        let longest = isRegistered ? room.mirror.count * 1000 / max(1, policy.rateMilli) : 0
        let seconds = (opensIn + 999) / 1000
        let estimate = WaitEstimate(
            seconds: max(1, seconds + (wait?.seconds ?? 0)),
            lowSeconds: seconds + (wait?.lowSeconds ?? 0),
            highSeconds: max(1, seconds + (wait?.highSeconds ?? longest)),
            confidence: wait?.confidence ?? .low
        )
        let jitter = api.environment.random()
        let hint = PollPacing.hintMilliseconds(
            etaSeconds: seconds,
            position: isRegistered ? room.mirror.count : position,
            waiting: room.mirror.count,
            budgetPerSecond: policy.pollBudget,
            policy: policy,
            jitter: jitter
        )
        let behindOpening = opensIn + 200 + Int(Double(policy.claimWindowMilliseconds / 2) * jitter)
        return VisitorView(
            status: policy.mode == .paused ? "paused" : "waiting",
            position: isRegistered ? nil : position,
            estimate: estimate,
            isPaused: policy.mode == .paused,
            opensAtMilliseconds: policy.opensMilliseconds,
            notice: room.seen.last.notice,
            pollAfterMilliseconds: opensIn > 0 && hint > opensIn ? behindOpening : hint,
            message: isRegistered ? (opensIn > 0 ? .registered : .drawing) : .opening,
            language: language
        )
    }

    /// Of somebody who waits in a room that is over.
    private static func ended(_ room: Room, _ language: Language) -> VisitorView {
        var view = ended("expired", .ended(room.seen.last.notice), language)
        view.notice = room.seen.last.notice
        view.isOver = true
        return view
    }

    /// Of a visitor about whom the store has answered this.
    static func of(_ reply: StandingReply, in room: Room, _ language: Language, _ api: APIContext) -> VisitorView {
        guard reply.standing == .waiting else {
            var view = of(reply.standing, language)
            if case .called(let deadline) = reply.standing, deadline > 0 { view.enterByMilliseconds = deadline }
            return view
        }
        return waiting(in: room, at: reply.place, room.position(reply), language, api)
    }

    /// Of a visitor who does not wait.
    static func of(_ standing: Standing, _ language: Language) -> VisitorView {
        switch standing {
        case .waiting, .called, .retry:
            return VisitorView(
                status: "ready",
                position: 0,
                estimate: WaitEstimate(seconds: 0, lowSeconds: 0, highSeconds: 0, confidence: .high),
                isReady: true,
                pollAfterMilliseconds: 1000,
                message: .ready,
                language: language
            )
        case .entered:
            return ended("admitted", .admitted, language)
        case .left:
            return ended("left", .left, language)
        case .expired, .fenced, .moved:
            return ended("expired", .expired, language)
        }
    }

    /// The same in the words of clients that know only "waiting" and "expired", and enter when they are ready: those
    /// whose turn it is, and those who are inside already and have to fetch their pass.
    var forReference: VisitorView {
        var view = self
        if status.description == "left" {
            view.status = "expired"
        } else if status.description != "expired" {
            let isInside = status.description == "admitted"
            view = isInside ? VisitorView.of(.called(deadlineMilliseconds: 0), language) : view
            view.status = "waiting"
        }
        return view
    }

    private static func ended(_ status: StaticString, _ message: WaitMessage, _ language: Language) -> VisitorView {
        VisitorView(status: status, position: 0, pollAfterMilliseconds: 15_000, message: message, language: language)
    }
}
