// SPDX-License-Identifier: Apache-2.0
//
// `vestibule token`: `inspect` says what a ticket, a pass or an enqueue token says, and whether it is genuine;
// `enqueue` makes an enqueue token as the site's backend would.

import Admission
import ArgumentParser
import Configuration
import Glibc
import Passes
import Reactor
import StrictJSON

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Look at tickets and passes, and make enqueue tokens.",
        subcommands: [Inspect.self, Enqueue.self]
    )

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a ticket, a pass or an enqueue token says, and whether this key file verifies it.",
            discussion: "Without an argument the token is read from standard input, so that it stays out of the "
                + "process list and the shell's history. The exit status is 1 when the token is not valid."
        )
        @OptionGroup var options: KeysCommand.Options
        @Argument(help: "The token; standard input when it is left out or '-'.")
        var token: String?
        @Option(help: "The room a pass or an enqueue token must be for; by default the one it names.")
        var room: String?

        func run() throws {
            let text: String
            if let token, token != "-" { text = token } else { text = readLine() ?? "" }
            let ring = try LoadedConfiguration.keys(try options.path())
            let bytes = Array(text.utf8)
            let isValid = text.hasPrefix("v1.") ? inspectTicket(bytes, ring) : inspectJWT(text, bytes, ring)
            if !isValid { throw ExitCode(1) }
        }

        private func inspectTicket(_ bytes: [UInt8], _ ring: KeyRing) -> Bool {
            switch ring.verifyTicket(bytes) {
            case .valid(let ticket):
                print(
                    "ticket: valid\nroom: \(ticket.room)\ngeneration: \(ticket.generation)\nnumber: \(ticket.number)"
                        + "\nissued_ms: \(ticket.issuedMilliseconds)"
                )
                return true
            case .malformed: print("ticket: malformed")
            case .forged: print("ticket: forged")
            }
            return false
        }

        private func inspectJWT(_ text: String, _ bytes: [UInt8], _ ring: KeyRing) -> Bool {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            if parts.count == 3 {
                for (name, part) in [("header", parts[0]), ("claims", parts[1])] {
                    let decoded = Base64URL.decode(Array(part.utf8)).map { String(decoding: $0, as: UTF8.self) }
                    print("\(name): \(decoded ?? "(not base64url)")")
                }
            }
            let claims = claims(parts.count == 3 ? Array(parts[1].utf8) : [])
            let audience = room ?? claims?["aud"]?.stringValue ?? "unknown"
            let now = Int64(time(nil))
            if claims?["iss"]?.stringValue == EnqueueToken.issuer {
                return explain(ring.verifyEnqueue(bytes, room: audience, nowSeconds: now))
            }
            return explain(ring.verifyPass(bytes, room: audience, nowSeconds: now))
        }

        private func explain(_ verdict: PassVerdict) -> Bool {
            switch verdict {
            // Whose client it is cannot be seen from here.
            case .valid(let pass), .otherClient(let pass):
                print("pass: valid for room \(pass.room), number \(pass.number), until \(pass.expiresAtSeconds)")
                if let binding = pass.binding { print("bound to: the \(binding.traits) it was given to") }
                return true
            case .malformed: print("pass: malformed")
            case .forged: print("pass: forged")
            case .foreign: print("pass: foreign (another room)")
            case .expired: print("pass: expired")
            }
            return false
        }

        private func explain(_ verdict: EnqueueVerdict) -> Bool {
            switch verdict {
            case .valid(let token):
                print(
                    "enqueue token: valid for room \(token.room), one place for the person in sub, "
                        + "until \(token.expiresAtSeconds)"
                )
                return true
            case .malformed: print("enqueue token: malformed")
            case .forged: print("enqueue token: forged")
            case .foreign: print("enqueue token: foreign (another room)")
            case .expired: print("enqueue token: expired")
            case .early: print("enqueue token: issued in the future (a clock is wrong)")
            }
            return false
        }

        /// Read without trust: the verification follows.
        private func claims(_ text: [UInt8]) -> JSONValue? {
            Base64URL.decode(text).flatMap { try? JSONValue(parsing: $0) }
        }
    }

    struct Enqueue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an enqueue token, to try a room or for a site without a JWT library.",
            discussion: "Who sends it in a join, as enqueue_token or in the cookie vestibule-enqueue-ROOM, joins as "
                + "the person it names."
        )
        @OptionGroup var options: KeysCommand.Options
        @Option(help: "The room it is for.")
        var room: String
        @Option(help: "The site's name for the person, 1 to 256 bytes.")
        var sub: String
        @Option(help: "How long it is good, 1s to 24h.")
        var ttl = "10m"

        func run() throws {
            if let path = options.config { try look(try LoadedConfiguration.read(path)) }
            let ring = try LoadedConfiguration.keys(try options.path())
            let now = Int64(time(nil))
            guard let lifetime = Quantity.milliseconds(ttl).map({ Int64($0) }), lifetime % 1000 == 0,
                let token = EnqueueToken(
                    room: room,
                    subject: sub,
                    issuedAtSeconds: now,
                    expiresAtSeconds: now + lifetime / 1000
                )
            else {
                throw CommandFailure(
                    "ENQUEUE_INVALID",
                    "it needs a room's name, a sub of 1 to 256 bytes, and a ttl of 1s to 24h in whole seconds"
                )
            }
            print(String(decoding: ring.sign(token), as: UTF8.self))
        }

        private func look(_ configuration: Configuration) throws {
            let known = configuration.rooms.first { $0.id == room } ?? configuration.template(of: room)?.entry
            guard let entry = known else {
                throw CommandFailure("ROOM_UNKNOWN", "\(room) is not a room of this configuration")
            }
            if entry.rules.enqueue == .off {
                Remark.say("room \(room) has enqueue: off and ignores enqueue tokens")
            }
        }
    }
}
