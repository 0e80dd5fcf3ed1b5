// SPDX-License-Identifier: Apache-2.0
//
// What the model remembers of the keys that joins bring. The key of a retry is kept for five minutes, the key of a
// person for as long as the person has the place (join.lua). It uses Admission only.

internal import Admission

/// The ticket that a key names, and when a person's key was last used.
struct NamedTicket {
    let claim: TicketClaim
    var usedMilliseconds: Int
}

extension QueueModel {
    /// The ticket that a join with this key gets again; nil when it takes a number.
    mutating func ticket(of key: JoinRequest.Key, _ now: Int) -> TicketClaim? {
        guard let known = joinKeys[key] else { return nil }
        switch key {
        case .retry:
            let lives = known.claim.issuedMilliseconds + QueueConstants.joinKeyLifetimeMilliseconds > now
            return lives && known.claim.generation == generation ? known.claim : nil
        case .person:
            guard known.usedMilliseconds + QueueConstants.personKeyLifetimeMilliseconds > now else { return nil }
            joinKeys[key]?.usedMilliseconds = now
            return known.claim.generation == generation && holdsPlace(known.claim, now) ? known.claim : nil
        }
    }

    /// What had expired in Redis at this time.
    mutating func forgetEnded(_ now: Int) {
        forgetOldSigns(now)
        joinKeys = joinKeys.filter { key, named in
            switch key {
            case .retry: named.claim.issuedMilliseconds + QueueConstants.joinKeyLifetimeMilliseconds > now
            case .person: named.usedMilliseconds + QueueConstants.personKeyLifetimeMilliseconds > now
            }
        }
    }

    /// Whether the visitor waits, is called or inside, may come back, or has left with a pass that goes on.
    private func holdsPlace(_ claim: TicketClaim, _ now: Int) -> Bool {
        switch place(claim, now) {
        case .expired: false
        case .left: (spent[claim.number] ?? 0) > now
        default: true
        }
    }
}
