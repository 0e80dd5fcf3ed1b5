// SPDX-License-Identifier: Apache-2.0
//
// When a called visitor who found no token of the entry bucket is to come again (visit.lua). It uses Admission only.

internal import Admission

extension QueueModel {
    /// For how many of the next tokens there are turns: those of half a claim window, or the calls would lapse.
    private var turnTokens: Int {
        let inHalfWindow = policy.claimWindowMilliseconds * policy.rateMilli / (2 * TokenBucket.micro)
        return max(1, min(QueueConstants.turnTokens, inHalfWindow))
    }

    /// Whether every turn is given: more called visitors could only wait for the same tokens.
    var isCrowded: Bool {
        guard policy.rateMilli > 0 else { return false }
        // Those given at a lower rate than now are not at these tokens.
        let rate = policy.rateMilli
        let last = clockMilliseconds + heldMilliseconds + (turnTokens * TokenBucket.micro + rate - 1) / rate
        return turns.count { $0 <= last } >= QueueConstants.turnsPerToken * turnTokens
    }

    private func millisecondsUntilToken(_ nth: Int) -> Int {
        let missing = nth * TokenBucket.micro - entryBucket.microtokens
        return heldMilliseconds + (max(0, missing) + policy.rateMilli - 1) / policy.rateMilli
    }

    /// Not at the next token for all: they would come in a rush. Some visitors have a turn at each of the next few, and
    /// those beyond come within half of the time in which all who are called can enter.
    mutating func retryMilliseconds(hasPlace: Bool) -> Int {
        guard policy.rateMilli > 0 else { return 1000 }
        var least = heldMilliseconds + (hasPlace ? 0 : QueueConstants.placeRetryMilliseconds)
        if hasPlace && mistake != .turnsAreNotGiven {
            if let turn = takeTurn() { return turn }
            least = millisecondsUntilToken(turnTokens)
        }
        let half = called.count * TokenBucket.micro / (2 * policy.rateMilli)
        return max(least, millisecondsUntilToken(1), min(half, policy.claimWindowMilliseconds / 2))
    }

    /// The time until the next turn that is left, which is given; nil when none is.
    private mutating func takeTurn() -> Int? {
        guard turns.count < QueueConstants.turnsMax else { return nil }
        var given: [Int: Int] = [:]
        let first = clockMilliseconds + millisecondsUntilToken(1)
        for at in turns {
            // A token is late by what others were late before: its turns are up to three quarters of the way before it.
            let quarters = 4 * (at - first) * policy.rateMilli + 3 * TokenBucket.micro
            if quarters >= 0 { given[1 + quarters / (4 * TokenBucket.micro), default: 0] += 1 }
        }
        for nth in 1...turnTokens where given[nth, default: 0] < QueueConstants.turnsPerToken {
            let turn = max(QueueConstants.turnMillisecondsMin, millisecondsUntilToken(nth))
            turns.append(clockMilliseconds + turn)
            return turn
        }
        return nil
    }
}
