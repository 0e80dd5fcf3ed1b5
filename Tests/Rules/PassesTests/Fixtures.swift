// SPDX-License-Identifier: Apache-2.0
//
// Keys, tokens and a fixed random generator for the tests of Passes. Known answers come from Python's hmac.

import Passes

/// 0x00 ... 0x1F as key k1.
func firstKey() throws -> SigningKey { try SigningKey(kid: "k1", secret: Array(0..<32)) }
/// 0x40 ... 0x5F as key k2.
func secondKey() throws -> SigningKey { try SigningKey(kid: "k2", secret: Array(0x40..<0x60)) }

func firstRing() throws -> KeyRing { try KeyRing(keys: [firstKey()]) }

let goodPass = Pass(
    room: "demo",
    number: 42,
    jti: "AAECAwQFBgcICQoLDA0ODw",
    issuedAtSeconds: 1_700_000_000,
    expiresAtSeconds: 1_700_000_600
)
let goodPassToken =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJ2ZXN0aWJ1bGUiLCJhdWQiOiJkZW1vIiwic3ViIjoiNDIi"
    + "LCJqdGkiOiJBQUVDQXdRRkJnY0lDUW9MREEwT0R3IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA2MDB9."
    + "JjvA7VmCOKTzZE8wDqyCMoFqbGve6YQg0IZOiucR1WU"
let goodTicket = Ticket(room: "demo", generation: 1, number: 42, issuedMilliseconds: 1_700_000_000_123)
let goodTicketToken = "v1.k1.demo.1.42.1700000000123.-ISERFWEsCo3_hI6ZpqTn7XX3wW7ZHPvLU7k3kCR1us"

/// Signs any header and claims with k1's secret, as somebody who has the key but not our habits would.
func signedByFirstKey(header: String, claims: String) throws -> [UInt8] {
    try signed(Base64URL.encode(header.utf8) + Array(".".utf8) + Base64URL.encode(claims.utf8))
}

/// Adds the MAC of k1 to what stands before the last dot.
func signed(_ signingInput: [UInt8]) throws -> [UInt8] {
    let code = MessageAuthentication.hmacSHA256(key: try firstKey().secret, message: signingInput)
    return signingInput + Array(".".utf8) + Base64URL.encode(code)
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

/// Counts up: a generator whose output a test can know.
struct CountingGenerator: RandomNumberGenerator {
    var state: UInt64 = 0
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return state
    }
}
