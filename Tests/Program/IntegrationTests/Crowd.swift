// SPDX-License-Identifier: Apache-2.0
//
// Thousands of visitors on a few kept connections. They are not polite: near the front they poll twenty times a
// second, and every fiftieth request is an enter without having been called.

import Foundation
import StrictJSON
import TestSupport

/// A crowd that joins room demo, polls, and enters as soon as it may.
struct Crowd: Sendable {
    let port: Int
    let visitors: Int
    /// Each thread has one connection and its share of the visitors.
    let threads: Int
    /// From the first join to the last request.
    let seconds: Double
    /// What the visitors know of the room: how soon a place may come up.
    let ratePerSecond: Int

    /// One pass that was handed out.
    struct Grant: Sendable {
        let ticket: String
        let pass: String
        /// The wall clock when the answer was there.
        let arrivedMilliseconds: Int
    }

    struct Report: Sendable {
        var grants: [Grant] = []
        /// Tickets in the order their thread got them.
        var tickets: [String] = []
        var polls = 0
        var impatientEnters = 0
        /// Answers by status.
        var answers: [Int: Int] = [:]
        /// Until the last of the joins was answered.
        var joinMilliseconds = 0

        mutating func add(_ other: Report) {
            grants += other.grants
            tickets += other.tickets
            polls += other.polls
            impatientEnters += other.impatientEnters
            answers.merge(other.answers, uniquingKeysWith: +)
            joinMilliseconds = max(joinMilliseconds, other.joinMilliseconds)
        }
    }

    func run() throws -> Report {
        let started = wallMilliseconds()
        let deadline = started + Int(seconds * 1000)
        var total = Report()
        for part in try Threads.run(threads, { try crew($0, started, deadline) }) { total.add(part) }
        return total
    }

    private struct Member {
        let ticket: String
        var dueMilliseconds: Int
        var position: Int
    }

    private func crew(_ index: Int, _ started: Int, _ deadline: Int) throws -> Report {
        let client = HTTPClient(port: port)
        var report = Report()
        var members: [Member] = []
        for _ in 0..<(visitors / threads + (index < visitors % threads ? 1 : 0)) {
            let answer = try client.join()
            report.answers[answer.status, default: 0] += 1
            if answer.status == 200 { report.grants.append(grant(answer.ticket, answer)) }
            guard answer.status == 200 || answer.status == 202 else { continue }
            report.tickets.append(answer.ticket)
            if answer.status == 202 {
                let due = wallMilliseconds() + patience(answer.position)
                members.append(Member(ticket: answer.ticket, dueMilliseconds: due, position: answer.position))
            }
        }
        report.joinMilliseconds = wallMilliseconds() - started
        while wallMilliseconds() < deadline {
            var isIdle = true
            var gone: [Int] = []
            for i in members.indices where members[i].dueMilliseconds <= wallMilliseconds() {
                isIdle = false
                if try visit(&members[i], client, &report) { gone.append(i) }
                if wallMilliseconds() >= deadline { break }
            }
            for i in gone.reversed() { members.remove(at: i) }
            if isIdle { sleepMilliseconds(1) }
        }
        return report
    }

    /// One poll, and the enter when the visitor is called. True when the visitor is through.
    private func visit(_ member: inout Member, _ client: HTTPClient, _ report: inout Report) throws -> Bool {
        report.polls += 1
        if report.polls % 50 == 0 {
            report.impatientEnters += 1
            return try enter(&member, client, &report)
        }
        let answer = try client.status(member.ticket)
        report.answers[answer.status, default: 0] += 1
        guard answer.status == 200 else {
            member.dueMilliseconds = wallMilliseconds() + 1000
            return false
        }
        if answer.json["ready_for_entry"]?.boolValue == true { return try enter(&member, client, &report) }
        member.position = answer.position
        member.dueMilliseconds = wallMilliseconds() + patience(answer.position)
        return answer.word != "waiting"
    }

    private func enter(_ member: inout Member, _ client: HTTPClient, _ report: inout Report) throws -> Bool {
        let answer = try client.enter(member.ticket)
        report.answers[answer.status, default: 0] += 1
        if answer.status == 200 {
            report.grants.append(grant(member.ticket, answer))
            return true
        }
        // A call that the entry bucket holds up says when to come again.
        member.dueMilliseconds = wallMilliseconds() + min(answer.pollAfterMilliseconds, patience(member.position))
        return false
    }

    private func grant(_ ticket: String, _ answer: HTTPAnswer) -> Grant {
        Grant(ticket: ticket, pass: answer.pass, arrivedMilliseconds: wallMilliseconds())
    }

    /// Milliseconds to the next poll: a quarter of the shortest possible wait, 50 ms near the front.
    private func patience(_ position: Int) -> Int {
        min(15_000, max(50, (position - ratePerSecond) * 250 / ratePerSecond))
    }
}
