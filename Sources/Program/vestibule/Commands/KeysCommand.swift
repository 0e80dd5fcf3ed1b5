// SPDX-License-Identifier: Apache-2.0
//
// `vestibule keys`: add, rotate, retire, and the secret for a site that signs enqueue tokens. The order of a rotation
// without a refused pass: add, reload everything, rotate, reload, wait for pass_ttl, retire, reload.

import ArgumentParser
import Configuration
import Passes
import Reactor

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make and rotate the keys that sign tickets and passes.",
        subcommands: [Add.self, Rotate.self, Retire.self, List.self, EnqueueSecret.self]
    )

    struct Options: ParsableArguments {
        @Option(help: "The key file (a JWK Set).")
        var keys = "/etc/vestibule/keys.json"

        @Option(help: "Take the key file from this configuration.")
        var config: String?

        func path() throws -> String {
            try config.map { try LoadedConfiguration.read($0).keysPath } ?? keys
        }
    }

    /// A ring with one new key, which signs.
    static func newRing(kid: String = "k1") throws -> KeyRing {
        var random = SystemRandomNumberGenerator()
        return try KeyRing(keys: [SigningKey.generate(kid: kid, using: &random)])
    }

    static func describe(_ ring: KeyRing) -> String {
        ring.kids.map { $0 == ring.signingKid ? "\($0) (signs)" : "\($0) (verifies)" }.joined(separator: ", ")
    }

    static func edit(_ path: String, _ change: (KeyRing) throws -> KeyRing) throws {
        let ring = try Files.locked(path) {
            do {
                let ring = try change(try LoadedConfiguration.keys(path))
                // Mode, owner and group stay as somebody has set them.
                try Files.rewrite(path, ring.jwkSet())
                return ring
            } catch let error as KeyRingError {
                throw CommandFailure("KEYS_INVALID", "\(error)")
            }
        }
        print("keys: \(describe(ring))")
        print("now reload nginx (nginx -s reload) and the workers (kill -HUP of vestibule serve)")
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a new key that verifies; in a new file it also signs."
        )
        @OptionGroup var options: Options
        @Option(help: "Its key id; the next free kN by default.")
        var kid: String?

        func run() throws {
            let path = try options.path()
            let made: KeyRing? = try Files.locked(path) {
                guard !Files.exists(path) else { return nil }
                let ring = try KeysCommand.newRing(kid: kid ?? "k1")
                // The group may read: nginx's master reads as root, and workers may run as a user of that group.
                try Files.write(path, ring.jwkSet(), mode: 0o640)
                return ring
            }
            if let made { return print("\(path) made with key \(made.signingKid)") }
            try KeysCommand.edit(path) { ring in
                var random = SystemRandomNumberGenerator()
                let number = (1...).first { !ring.kids.contains("k\($0)") } ?? 1
                return try ring.adding(try SigningKey.generate(kid: kid ?? "k\(number)", using: &random))
            }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make another key of the file the one that signs (every process must know it already)."
        )
        @OptionGroup var options: Options
        @Option(help: "The key id; by default the one added last.")
        var kid: String?

        func run() throws {
            try KeysCommand.edit(try options.path()) { ring in
                guard let target = kid ?? ring.kids.last, target != ring.signingKid else {
                    throw CommandFailure("KEY_SIGNS_ALREADY", "that key signs already; add one first")
                }
                return try ring.promoting(target)
            }
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a key; what it signed is refused from the next reload on."
        )
        @OptionGroup var options: Options
        @Option(help: "The key id.")
        var kid: String

        func run() throws {
            try KeysCommand.edit(try options.path()) { try $0.retiring(kid) }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the key ids.")
        @OptionGroup var options: Options

        func run() throws {
            print(KeysCommand.describe(try LoadedConfiguration.keys(try options.path())))
        }
    }

    struct EnqueueSecret: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the secret with which the site signs enqueue tokens (base64url)."
        )
        @OptionGroup var options: Options
        @Option(help: "The key it is derived from; by default the one that signs.")
        var kid: String?

        func run() throws {
            let ring = try LoadedConfiguration.keys(try options.path())
            let kid = kid ?? ring.signingKid
            guard let secret = ring.enqueueSecret(kid: kid) else {
                throw CommandFailure("KEYS_INVALID", "there is no key with kid \(kid)")
            }
            Remark.say(
                "This is a secret: whoever has it can join as anybody, though make neither tickets nor passes. "
                    + "It goes with \"kid\":\"\(kid)\" in the header, and is good until that key is retired."
            )
            print(Base64URL.encodeString(secret))
        }
    }
}
