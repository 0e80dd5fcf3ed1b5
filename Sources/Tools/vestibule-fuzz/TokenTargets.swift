// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes tickets, passes and cookies. What we made verifies as it was made, and nothing that differs from it by a byte
// does. It uses Passes only.

import Passes

/// The keys of the room under fuzzing, and those of somebody else.
struct Rings {
    let ours: KeyRing
    /// The same key ids with other secrets.
    let strangers: KeyRing

    init() throws {
        ours = try Rings.ring(7)
        strangers = try Rings.ring(77)
    }

    private static func ring(_ base: UInt8) throws -> KeyRing {
        try KeyRing(keys: [
            SigningKey(kid: "k1", secret: [UInt8](repeating: base, count: 32)),
            SigningKey(kid: "k2", secret: [UInt8](repeating: base &+ 1, count: 48)),
        ])
    }

    /// A JWT of any claims with a correct MAC.
    static func signed(_ claims: [UInt8], kid: String, secret: [UInt8]) -> [UInt8] {
        let header = [UInt8](#"{"alg":"HS256","kid":"\#(kid)","typ":"JWT"}"#)
        let text = Base64URL.encode(header) + [UInt8(ascii: ".")] + Base64URL.encode(claims)
        let code = MessageAuthentication.hmacSHA256(key: secret, message: text)
        return text + [UInt8(ascii: ".")] + Base64URL.encode(code)
    }
}

extension Chance {
    mutating func room() -> String {
        oneIn(8) ? String(repeating: "r", count: 1 + below(64)) : pick(["demo", "other", "a", "0_-", "demo2"])
    }

    /// 1...2^53-1.
    mutating func positive() -> Int64 { 1 + Int64(number() & ((1 << 53) - 1)) % ((1 << 53) - 1) }
}

struct TicketTarget: FuzzTarget {
    private static let words: [[UInt8]] = [
        ".", "..", "v1.", "k2", "k1", "demo", "0", "9007199254740992", "-", "=", "\u{0}",
    ]
    .map { Array($0.utf8) }
    private(set) var deepInputs = 0
    let rings: Rings
    var earlier = Array("v1.".utf8)

    mutating func run(_ chance: inout Chance) throws {
        let ticket = Ticket(
            room: chance.room(),
            generation: chance.positive(),
            number: chance.positive(),
            issuedMilliseconds: chance.positive()
        )
        let isOurs = !chance.oneIn(8)
        let token = (isOurs ? rings.ours : rings.strangers).sign(ticket)
        let verdict = rings.ours.verifyTicket(token)
        guard verdict == (isOurs ? .valid(ticket) : .forged) else { throw Finding("\(ticket) is \(verdict)", token) }
        var changed = token
        if chance.oneIn(6) {
            // The beginning of one and the end of another.
            let cut = chance.below(token.count + 1)
            changed = Array(token[..<cut] + earlier.dropFirst(chance.oneIn(2) ? cut : chance.below(earlier.count + 1)))
        } else {
            chance.mutate(&changed, words: TicketTarget.words, times: 1 + chance.below(3))
        }
        switch rings.ours.verifyTicket(changed) {
        case .valid(let read) where changed != token && changed != earlier:
            throw Finding("an altered ticket is \(read)", changed)
        case .malformed: break
        default: deepInputs += 1
        }
        if isOurs { earlier = token }
    }
}

struct PassTarget: FuzzTarget {
    private static let words: [[UInt8]] = [
        ".", "..", "=", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsyIiwidHlwIjoiSldUIn0", "e30", "A",
        "\u{0}",
    ].map { Array($0.utf8) }
    private static let claimWords: [[UInt8]] = [
        #""exp":9007199254740991"#, #""aud":"demo""#, #","bnd":"n:AAAAAAAAAAAA""#, "bnd", "n:", "na:", "null", "[]",
        "{}", "1e9", ",", #"\u0064"#, "\"", " ", "-1", "0",
    ].map { Array($0.utf8) }
    private(set) var deepInputs = 0
    let rings: Rings

    mutating func run(_ chance: inout Chance) throws {
        let now = Int64(chance.below(1 << 40)) + 10
        let expires = max(0, now + Int64(chance.below(30)) - 15)
        let client = PassClient(network: chance.bytes(chance.below(7)), agent: chance.bytes(chance.below(40)))
        let pass = Pass(
            room: chance.room(),
            number: chance.positive(),
            jti: Base64URL.encodeString(chance.bytes(1 + chance.below(48))),
            issuedAtSeconds: now - 10,
            expiresAtSeconds: expires,
            binding: PassBinding(to: client, network: chance.oneIn(4), agent: chance.oneIn(4))
        )
        let isOurs = !chance.oneIn(8)
        let token = (isOurs ? rings.ours : rings.strangers).sign(pass)
        let room = chance.oneIn(4) ? chance.room() : pass.room
        let isOther = chance.oneIn(4) && pass.binding != nil
        let opened: PassVerdict = isOther ? .otherClient(pass) : .valid(pass)
        let expected: PassVerdict =
            !isOurs ? .forged : room != pass.room ? .foreign : now < expires + 5 ? opened : .expired
        let verdict = rings.ours.verifyPass(token, room: room, nowSeconds: now, client: isOther ? nil : client)
        guard verdict == expected else { throw Finding("\(pass) at \(now) in \(room) is \(verdict)", token) }
        if chance.oneIn(3) { return try wrongClaims(pass, now, &chance) }
        var changed = token
        chance.mutate(&changed, words: PassTarget.words, times: 1 + chance.below(3))
        guard changed != token else { return }
        switch rings.ours.verifyPass(changed, room: pass.room, nowSeconds: now, client: client) {
        case .malformed: break
        case .forged: deepInputs += 1
        case let other: throw Finding("an altered pass is \(other)", changed)
        }
    }

    /// Claims of any kind with a correct MAC: whatever opens a room names that room and has not ended.
    private func wrongClaims(_ pass: Pass, _ now: Int64, _ chance: inout Chance) throws {
        let key = rings.ours.keys[0]
        var claims = [UInt8](
            #"{"iss":"vestibule","aud":"\#(pass.room)","sub":"\#(pass.number)","jti":"\#(pass.jti)","#
                + #""iat":\#(pass.issuedAtSeconds),"exp":\#(pass.expiresAtSeconds)"#
                + (pass.binding.map { #","bnd":"\#($0.claim)"}"# } ?? "}")
        )
        chance.mutate(&claims, words: PassTarget.claimWords, times: 1 + chance.below(3))
        let token = Rings.signed(claims, kid: key.kid, secret: key.secret)
        if case .valid(let read) = rings.ours.verifyPass(token, room: pass.room, nowSeconds: now) {
            // Nobody in particular shows it: it is bound to nobody.
            guard read.room == pass.room, read.expiresAtSeconds + 5 > now, read.number > 0, read.binding == nil else {
                throw Finding("\(claims.text) is \(read)", token)
            }
        }
    }
}

struct CookieTarget: FuzzTarget {
    private static let words: [[UInt8]] = [
        "vestibule-ticket-demo", "vestibule-ticket-demo=", "__Host-vestibule-ticket-demo=v1.k1", "; ", ";", "=", " ",
        "\t",
        "a=b", "\"", ",", "\u{0}", "vestibule-ticket-", "VESTIBULE-TICKET-DEMO=x", "ü",
    ].map { Array($0.utf8) }

    private(set) var deepInputs = 0

    mutating func run(_ chance: inout Chance) throws {
        var header: [UInt8] = []
        for _ in 0..<chance.below(8) { header += chance.pick(CookieTarget.words) }
        chance.mutate(&header, words: CookieTarget.words, times: chance.below(4))
        let reader = CookieReader(header)
        let pairs = CookieTarget.pairs(header)
        for name in ["vestibule-ticket-demo", "a", "", "vestibule-ticket-"] {
            let expected = pairs.first { $0.name == Array(name.utf8) }?.value
            guard reader.value(named: name) == expected else { throw Finding("cookie \(name)", header) }
        }
        if !pairs.isEmpty { deepInputs += 1 }
    }

    /// The header read by splitting.
    private static func pairs(_ header: [UInt8]) -> [(name: [UInt8], value: [UInt8])] {
        func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
            let isBlank = { (byte: UInt8) in byte == 32 || byte == 9 }
            return Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
        }
        return header.split(separator: UInt8(ascii: ";")).compactMap { part in
            let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return halves.count == 2 ? (trimmed(halves[0]), trimmed(halves[1])) : nil
        }
    }
}
