// SPDX-License-Identifier: Apache-2.0
//
// Goal: a person named by the site has one place over all workers, and where a token is required nobody gets in without
// one. Method: a thousand joins of one name through nginx at three workers with Redis' own counters; tokens made by the
// command and by Python from the secret that the command prints.

import Foundation
import Passes
import TestSupport
import Testing

extension Integration {
    @Suite struct EnqueueTests {
        private static let room = "  demo: {rate: 0.001, burst: 1, enqueue: required}"

        private func token(_ stack: DemoStack, _ person: String, seconds: Int64 = 600) throws -> String {
            let now = Int64(wallMilliseconds() / 1000)
            let token = EnqueueToken(
                room: "demo",
                subject: person,
                issuedAtSeconds: now,
                expiresAtSeconds: now + seconds
            )
            return String(decoding: try stack.keyRing().sign(try #require(token)), as: UTF8.self)
        }

        private static func join(_ client: HTTPClient, _ token: String, key: String? = nil) throws -> HTTPAnswer {
            try client.postJSON(
                "/api/v1/queue/join",
                #"{"event_id":"demo","enqueue_token":"\#(token)"}"#,
                key.map { [("Idempotency-Key", $0)] } ?? []
            )
        }

        private func command(_ stack: DemoStack, _ words: String...) throws -> String {
            let answer = try TestProcess.output(
                "sh",
                ["-c", #"exec "$0" "$@" 2>/dev/null"#, try Product.vestibule()] + words
                    + ["--config", stack.directory.file("vestibule.yaml")]
            )
            guard answer.status == 0 else { throw TestFailure("vestibule \(words): \(answer.text)") }
            return answer.text.trimmingCharacters(in: .newlines)
        }

        @Test func `a person who joins a thousand times at three workers has one number`() throws {
            let stack = try DemoStack(rooms: Self.room, workers: 3)
            #expect(try Self.join(stack.client(), token(stack, "first")).status == 200)
            let tokens = try (0..<10).map { try token(stack, "alice", seconds: 600 + $0) }
            let others = try (0..<8).map { try token(stack, "person \($0)") }
            let port = stack.port
            let tickets = try Threads.run(20) { thread in
                let client = HTTPClient(port: port)
                return try (0..<50).map { index in
                    if index == 25 { _ = try Self.join(client, others[thread % 8]) }
                    return try Self.join(client, tokens[index % 10], key: "a-key-of-its-own-\(thread)-\(index)").ticket
                }
            }
            let all = tickets.joined()
            #expect(all.count == 1000 && Set(all).count == 1 && all.first?.isEmpty == false)
            #expect(try stack.stateField("joined") == 1 + 1 + 8)
            #expect(try stack.stateField("waiting") == 1 + 8)
            let metrics = try stack.client().get("/metrics").text
            #expect(metrics.contains("vestibule_joins_total{outcome=\"unnamed\"} 0"))
            let keys = try stack.redis("KEYS", "vq:{demo}:person:*").split(separator: "\n")
            #expect(keys.count == 10 && keys.allSatisfy { $0.count == "vq:{demo}:person:".count + 22 })

            // Without ticket and cookies, from another device: the same place.
            let again = try Self.join(stack.client(), token(stack, "alice"))
            #expect(again.status == 202 && again.ticket == all.first && again.position == 1)
            #expect(try stack.client().leave(again.ticket).status == 200)
            let anew = try Self.join(stack.client(), token(stack, "alice"))
            #expect(try stack.keyRing().number(anew.ticket) > stack.keyRing().number(again.ticket))
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `where a token is required, a page visitor without one gets neither number nor backend`(
            verifier: String
        ) throws {
            let room = "  demo: {rate: 100, burst: 100, enqueue: required}"
            let stack = try DemoStack(rooms: room, options: ["--verifier", verifier])
            let client = stack.client()
            let cookie = "vestibule-enqueue-demo"
            for (sent, shown) in [("a=b", "open this page again"), ("\(cookie)=forged", "sign in on this site again")] {
                for path in ["/shop", "/shop?vestibule-noscript=join", "/shop?vestibule-noscript=wait"] {
                    let page = try client.get(path, ("Accept", "text/html"), ("Cookie", sent))
                    #expect(page.text.contains(shown) && page.values("Set-Cookie").isEmpty, "\(path)")
                }
            }
            #expect(try client.join().errorCode == "ENQUEUE_TOKEN_MISSING")
            #expect(try Self.join(client, token(stack, "alice") + "x").errorCode == "ENQUEUE_TOKEN_INVALID")
            #expect(try client.get("/metrics").text.contains("vestibule_joins_total{outcome=\"unnamed\"} 2"))
            #expect(try stack.stateField("joined") <= 0 && stack.backendLines().isEmpty)

            let named = try client.get(
                "/shop",
                ("Accept", "text/html"),
                ("Cookie", "\(cookie)=\(token(stack, "alice"))")
            )
            #expect(named.text.contains("This is the backend"))
            let pass = named.cookie("vestibule-pass-demo")
            let again = try client.get(
                "/shop",
                ("Accept", "text/html"),
                ("Cookie", "\(cookie)=\(token(stack, "alice"))")
            )
            #expect(pass?.isEmpty == false && again.cookie("vestibule-pass-demo") == pass)
            #expect(try stack.stateField("joined") == 1)
        }

        @Test func `a token that Python makes from the printed secret is taken, and inspect explains it`() throws {
            let stack = try DemoStack(rooms: Self.room)
            #expect(try Self.join(stack.client(), token(stack, "first")).status == 200)
            let secret = try command(stack, "keys", "enqueue-secret")
            let kid = try stack.keyRing().signingKid
            // As README.md shows it.
            let program = """
                import base64, hashlib, hmac, json, sys, time

                def b64(data): return base64.urlsafe_b64encode(data).rstrip(b"=")

                secret, kid, room, person = sys.argv[1:]
                now = int(time.time())
                header = {"alg": "HS256", "kid": kid, "typ": "JWT"}
                claims = {"iss": "vestibule-enqueue", "aud": room, "sub": person, "iat": now, "exp": now + 600}
                text = b".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
                mac = hmac.new(base64.urlsafe_b64decode(secret + "="), text, hashlib.sha256).digest()
                print((text + b"." + b64(mac)).decode())
                """
            func python(_ person: String, secret: String) throws -> String {
                try TestProcess.output("python3", ["-c", program, secret, kid, "demo", person]).text
                    .trimmingCharacters(in: .newlines)
            }
            for person in ["alice", "한국 사용자 \"A\"", String(repeating: "é", count: 128)] {
                let theirs = try python(person, secret: secret)
                let joined = try Self.join(stack.client(), theirs)
                #expect(joined.status == 202, "\(person): \(joined.text)")
                #expect(try Self.join(stack.client(), token(stack, person)).ticket == joined.ticket)
                let ours = try command(stack, "token", "enqueue", "--room", "demo", "--sub", person)
                #expect(try Self.join(stack.client(), ours).ticket == joined.ticket)
                let text = try command(stack, "token", "inspect", theirs)
                #expect(text.contains("enqueue token: valid for room demo"), "\(text)")
            }
            // The secret that signs passes is not the one, and a token is no pass.
            let pass = Base64URL.encodeString(try stack.keyRing().keys[0].secret)
            #expect(try Self.join(stack.client(), python("alice", secret: pass)).errorCode == "ENQUEUE_TOKEN_INVALID")
            let token = try python("alice", secret: secret)
            let program2 = try stack.client().get(
                "/shop",
                ("Accept", "application/json"),
                ("Cookie", "vestibule-pass-demo=\(token)")
            )
            #expect(try program2.status == 503 && stack.backendLines().isEmpty)
        }

        @Test func `the commands say what is wrong, and keep the secret apart from what they say about it`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 1}\n  named: {enqueue: required}")
            let program = try Product.vestibule()
            let config = ["--config", stack.directory.file("vestibule.yaml")]
            func enqueue(_ words: String...) throws -> (status: Int32, text: String) {
                try TestProcess.output(program, ["token", "enqueue"] + words + config)
            }
            #expect(try enqueue("--room", "nowhere", "--sub", "a").text.contains("ROOM_UNKNOWN"))
            for ttl in ["25h", "0s", "1500ms", "soon", "-5s"] {
                let answer = try enqueue("--room", "named", "--sub", "a", "--ttl=\(ttl)")
                #expect(answer.status != 0 && answer.text.contains("ENQUEUE_INVALID"), "\(ttl): \(answer.text)")
            }
            #expect(try enqueue("--room", "named", "--sub", "").text.contains("ENQUEUE_INVALID"))
            #expect(try enqueue("--room", "demo", "--sub", "a").text.contains("has enqueue: off"))
            let good = try enqueue("--room", "named", "--sub", "a", "--ttl", "24h")
            #expect(good.status == 0 && good.text.split(separator: ".").count == 3)

            let both = try TestProcess.output(program, ["keys", "enqueue-secret"] + config)
            #expect(both.status == 0 && both.text.contains("This is a secret"))
            let alone = try command(stack, "keys", "enqueue-secret")
            #expect(Base64URL.decode(alone.utf8)?.count == 32 && both.text.contains(alone))
            #expect(alone != Base64URL.encodeString(try stack.keyRing().keys[0].secret))
            let unknown = try TestProcess.output(program, ["keys", "enqueue-secret", "--kid", "k9"] + config)
            #expect(unknown.status != 0 && unknown.text.contains("KEYS_INVALID"))

            let token = good.text.trimmingCharacters(in: .newlines)
            let other = try TestProcess.output(program, ["token", "inspect", token, "--room", "demo"] + config)
            #expect(other.status == 1 && other.text.contains("enqueue token: foreign"))
            let forged = try TestProcess.output(program, ["token", "inspect", token.dropLast() + "-"] + config)
            #expect(forged.status == 1 && forged.text.contains("enqueue token: forged"))
        }
    }
}
