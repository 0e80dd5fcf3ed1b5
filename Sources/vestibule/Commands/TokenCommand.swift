// SPDX-License-Identifier: Apache-2.0
//
// `vestibule token inspect`: what a ticket or a pass says, and whether it is genuine.

import ArgumentParser
import Glibc
import Passes
import StrictJSON

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Look at tickets and passes.",
        subcommands: [Inspect.self]
    )

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a ticket or a pass says, and whether this key file verifies it.",
            discussion: "Without an argument the token is read from standard input, so that it stays out of the "
                + "process list and the shell's history. The exit status is 1 when the token is not valid."
        )
        @OptionGroup var options: KeysCommand.Options
        @Argument(help: "The token; standard input when it is left out or '-'.")
        var token: String?
        @Option(help: "The room a pass must be for; by default the one it names.")
        var room: String?

        func run() throws {
            let text: String
            if let token, token != "-" { text = token } else { text = readLine() ?? "" }
            let ring = try LoadedConfiguration.keys(try options.path())
            let bytes = Array(text.utf8)
            let isValid = text.hasPrefix("v1.") ? inspectTicket(bytes, ring) : inspectPass(text, bytes, ring)
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

        private func inspectPass(_ text: String, _ bytes: [UInt8], _ ring: KeyRing) -> Bool {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            if parts.count == 3 {
                for (name, part) in [("header", parts[0]), ("claims", parts[1])] {
                    let decoded = Base64URL.decode(Array(part.utf8)).map { String(decoding: $0, as: UTF8.self) }
                    print("\(name): \(decoded ?? "(not base64url)")")
                }
            }
            let audience = room ?? audience(parts.count == 3 ? Array(parts[1].utf8) : [])
            switch ring.verifyPass(bytes, room: audience, nowSeconds: Int64(time(nil))) {
            case .valid(let pass):
                print("pass: valid for room \(pass.room), number \(pass.number), until \(pass.expiresAtSeconds)")
                return true
            case .malformed: print("pass: malformed")
            case .forged: print("pass: forged")
            case .foreign: print("pass: foreign (another room)")
            case .expired: print("pass: expired")
            }
            return false
        }

        /// The room the claims name, read without trust: the verification follows.
        private func audience(_ claims: [UInt8]) -> String {
            guard let decoded = Base64URL.decode(claims), let claims = try? JSONValue(parsing: decoded) else {
                return "unknown"
            }
            return claims["aud"]?.stringValue ?? "unknown"
        }
    }
}
