// SPDX-License-Identifier: Apache-2.0
//
// Waiting visitors in groups that joined together. Two look-ups in the mirror count the visitors who are left of a
// group, so a worker knows how many leave at which age without asking Redis.

/// What happened between two samples of the line.
struct LineProgress {
    /// How far the front moved: people of the front group who are no longer ahead of the next group.
    var served = 0.0
}

/// Groups of consecutive numbers. Bound: `cohortsMax` groups; older ones are joined in pairs.
package struct CohortLedger {
    package struct Cohort {
        /// First number; the group ends where the next begins.
        var start: Int
        var firstMilliseconds: Int
        var lastMilliseconds: Int
        var waiting: Int

        package func age(_ now: Int) -> Double { Double(max(0, 2 * now - firstMilliseconds - lastMilliseconds)) / 2000 }
    }

    static let cohortsMax = 128
    private static let spanMillisecondsMin = 5000
    /// A crowd that came at once is cut into parts of at most this share of the line: a departure from the front
    /// group looks like an admission, so there must be groups behind it.
    private static let partsOfLine = 16
    private static let partMin = 64

    /// Ascending; the last one takes the joiners.
    package private(set) var cohorts: [Cohort] = []
    private var joined = 0
    private var next = 0

    package init() {}

    var isEmpty: Bool { cohorts.isEmpty }

    /// Starts over with what the mirror shows. The times of the joins are not known; they count as
    /// spread evenly since the room opened. A number alone says nothing of its age: rooms begin at a number from the
    /// clock. The joins since the room opened say how many numbers a second were given out.
    package mutating func begin(_ reply: TickReply, _ mirror: RankIndex) {
        cohorts = []
        joined = reply.counters.joined
        next = reply.next
        let opened = reply.openedMilliseconds == 0 ? reply.nowMilliseconds : reply.openedMilliseconds
        if mirror.punctualCount > 1, let first = mirror.number(atRank: 0) {
            let parts = min(32, mirror.punctualCount)
            // A room that was restored has counted from there on: those who wait have joined, too.
            let since = reply.nowMilliseconds - opened
            let spread = Double(since) / Double(max(1, reply.counters.joined, mirror.punctualCount))
            for part in 0..<parts {
                guard let number = mirror.number(atRank: part * mirror.punctualCount / parts) else { continue }
                let age = min(since, Int(Double(max(0, reply.next - max(first, number))) * spread))
                append(number, reply.nowMilliseconds - age)
            }
        }
        append(reply.next, reply.nowMilliseconds)
        count(mirror)
    }

    private mutating func append(_ start: Int, _ now: Int) {
        if let last = cohorts.last, last.start >= start { return }
        if !cohorts.isEmpty { cohorts[cohorts.count - 1].lastMilliseconds = now }
        cohorts.append(Cohort(start: start, firstMilliseconds: now, lastMilliseconds: now, waiting: 0))
    }

    private mutating func count(_ mirror: RankIndex) {
        var before = 0
        for i in cohorts.indices {
            let end = i + 1 < cohorts.count ? mirror.rank(cohorts[i + 1].start) : mirror.punctualCount
            cohorts[i].waiting = end - before
            before = end
        }
    }

    /// Compares the line with the last look and teaches `hazard` who left.
    mutating func look(
        _ reply: TickReply,
        _ mirror: RankIndex,
        seconds: Double,
        hazard: inout AgeHazard
    ) -> LineProgress {
        let now = reply.nowMilliseconds
        var progress = LineProgress()
        // Visitors who joined are in the last group; `next` may also jump for other reasons.
        cohorts[cohorts.count - 1].waiting += max(0, reply.counters.joined - joined)
        joined = reply.counters.joined
        next = reply.next
        let head = mirror.punctualHead ?? reply.next
        let usual = max(1, 2 * Double(mirror.punctualCount) / Double(cohorts.count))
        var before = 0
        for i in cohorts.indices {
            let isLast = i + 1 == cohorts.count
            let end = isLast ? mirror.punctualCount : mirror.rank(cohorts[i + 1].start)
            let waiting = end - before
            before = end
            let gone = Double(cohorts[i].waiting - waiting)
            if cohorts[i].start <= head || isLast && i == 0 {
                // A visitor who leaves from the front group is not served.
                let leaving = Double(waiting) * (1 - hazard.survival(age: cohorts[i].age(now), after: seconds))
                progress.served += gone - leaving
            } else if cohorts[i].waiting > 0 {
                let mean = Double(cohorts[i].waiting + waiting) / 2
                // A crowd that came at once, such as bots, must not speak for everybody.
                let weight = min(1, usual / mean)
                hazard.learn(age: cohorts[i].age(now), waiting: mean * weight, gone: gone * weight, seconds: seconds)
            }
            cohorts[i].waiting = waiting
        }
        cohorts[cohorts.count - 1].lastMilliseconds = now
        tidy(head: head, now: now, mirror)
        return progress
    }

    private mutating func tidy(head: Int, now: Int, _ mirror: RankIndex) {
        var passed = 0
        while passed + 1 < cohorts.count, cohorts[passed + 1].start <= head { passed += 1 }
        cohorts.removeFirst(passed)
        let oldest = now - cohorts[0].firstMilliseconds
        let span = max(CohortLedger.spanMillisecondsMin, 2 * oldest / CohortLedger.cohortsMax)
        let last = cohorts[cohorts.count - 1]
        let part = max(CohortLedger.partMin, mirror.punctualCount / CohortLedger.partsOfLine)
        if next > last.start, now - last.firstMilliseconds >= span || last.waiting > part {
            append(next, now)
            cut(cohorts.count - 2, into: last.waiting / part, mirror)
        }
        if cohorts.count > CohortLedger.cohortsMax { joinPairs() }
    }

    /// Cuts a group into parts of the same age and size.
    private mutating func cut(_ index: Int, into parts: Int, _ mirror: RankIndex) {
        let parts = min(parts, CohortLedger.partsOfLine)
        guard parts > 1 else { return }
        let whole = cohorts[index]
        let before = mirror.rank(whole.start)
        var pieces: [Cohort] = []
        for part in 0..<parts {
            let (from, to) = (part * whole.waiting / parts, (part + 1) * whole.waiting / parts)
            guard let first = mirror.number(atRank: before + from), to > from else { continue }
            var piece = whole
            if part > 0 { piece.start = first }
            piece.waiting = to - from
            pieces.append(piece)
        }
        cohorts.replaceSubrange(index...index, with: pieces)
    }

    private mutating func joinPairs() {
        var joined: [Cohort] = []
        var i = 0
        while i < cohorts.count {
            var cohort = cohorts[i]
            // The last one stays as it is: it is still open.
            if i + 2 < cohorts.count {
                cohort.lastMilliseconds = cohorts[i + 1].lastMilliseconds
                cohort.waiting += cohorts[i + 1].waiting
                i += 1
            }
            joined.append(cohort)
            i += 1
        }
        cohorts = joined
    }
}
