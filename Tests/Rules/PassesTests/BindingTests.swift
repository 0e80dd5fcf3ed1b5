// SPDX-License-Identifier: Apache-2.0
//
// A pass that is bound to a client opens for that client, and an unbound one is what it always was.

import Passes
import Testing

@Suite struct BindingTests {
    private let client = PassClient(network: [192, 0, 2], agent: "Mozilla/5.0".bytes)

    private func pass(_ client: PassClient, network: Bool, agent: Bool) -> Pass {
        Pass(
            room: "demo",
            number: 42,
            jti: "AAECAwQFBgcICQoLDA0ODw",
            issuedAtSeconds: 1_700_000_000,
            expiresAtSeconds: 1_700_000_600,
            binding: PassBinding(to: client, network: network, agent: agent)
        )
    }

    private func verdict(_ pass: Pass, _ shower: PassClient?) throws -> PassVerdict {
        let ring = try firstRing()
        return ring.verifyPass(ring.sign(pass), room: "demo", nowSeconds: 1_700_000_100, client: shower)
    }

    /// From Python's hashlib.
    @Test func theClaimIsTheKnownHash() {
        let v6 = PassClient(network: [0x20, 1, 0xd, 0xb8, 0, 1], agent: client.agent)
        #expect(PassBinding(to: client, network: true, agent: false)?.claim == "n:dU3x0knrFyFu")
        #expect(PassBinding(to: client, network: false, agent: true)?.claim == "a:rU2oxjmvsSPg")
        #expect(PassBinding(to: v6, network: true, agent: true)?.claim == "na:acUTfXXGhmtY")
        #expect(PassBinding(to: client, network: false, agent: false) == nil)
    }

    @Test func theClaimFollowsTheSixOthers() throws {
        let token = try firstRing().sign(pass(client, network: true, agent: false))
        let claims = try #require(Base64URL.decode(token.split(separator: UInt8(ascii: "."))[1]))
        let bound = String(decoding: claims, as: UTF8.self)
        let unbound =
            #"{"iss":"vestibule","aud":"demo","sub":"42","jti":"AAECAwQFBgcICQoLDA0ODw","#
            + #""iat":1700000000,"exp":1700000600"#
        #expect(bound == unbound + #","bnd":"n:dU3x0knrFyFu"}"#)
    }

    @Test func aBoundPassOpensForItsClientOnly() throws {
        let (other, stranger) = (
            PassClient(network: [192, 0, 3], agent: client.agent), PassClient(network: client.network, agent: [])
        )
        for (network, agent) in [(true, false), (false, true), (true, true)] {
            let pass = pass(client, network: network, agent: agent)
            #expect(try verdict(pass, client) == .valid(pass))
            #expect(try verdict(pass, other) == (network ? .otherClient(pass) : .valid(pass)))
            #expect(try verdict(pass, stranger) == (agent ? .otherClient(pass) : .valid(pass)))
            #expect(try verdict(pass, nil) == .otherClient(pass), "nobody in particular is nobody's client")
        }
        #expect(try verdict(pass(client, network: false, agent: false), nil) == .valid(goodPass))
    }

    @Test func noTwoClientsAreHashedAlike() {
        let clients = [
            PassClient(network: [1, 2, 3], agent: [4, 5, 6]), PassClient(network: [1, 2, 3, 4, 5, 6], agent: []),
            PassClient(network: [], agent: [1, 2, 3, 4, 5, 6]), PassClient(network: [], agent: [3, 1, 2, 3, 4, 5, 6]),
            PassClient(network: [], agent: []),
        ]
        var claims: Set<Substring> = []
        for client in clients {
            for (network, agent) in [(true, true), (false, true), (true, false)] {
                let claim = PassBinding(to: client, network: network, agent: agent)?.claim ?? ""
                claims.insert(claim.suffix(12))
            }
        }
        // Alike are only: no network (three times n), no agent (two times a).
        #expect(claims.count == 3 * clients.count - 3)
    }

    @Test(arguments: [
        "", ":", "n", "n:", "n:AAAAAAAAAAA", "n:AAAAAAAAAAAAA", "x:AAAAAAAAAAAA", "an:AAAAAAAAAAAA", "nn:AAAAAAAAAAAA",
        ":AAAAAAAAAAAA", "n:AAAAAAAAAAA=", "n:AAAAAAAAAAA ", "n:A:AAAAAAAAAA", " n:AAAAAAAAAAAA",
    ])
    func aClaimThatCannotBeCheckedIsNotRead(text: String) { #expect(PassBinding(claim: text) == nil) }

    @Test func aClaimIsReadAsItIsWritten() {
        for (network, agent, traits) in [
            (true, false, "network"), (false, true, "agent"), (true, true, "network and agent"),
        ] {
            let binding = PassBinding(to: client, network: network, agent: agent)
            #expect(binding?.traits == traits)
            #expect(binding.flatMap { PassBinding(claim: $0.claim) } == binding)
        }
    }
}
