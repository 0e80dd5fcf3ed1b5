// SPDX-License-Identifier: Apache-2.0
//
// Goal: who comes without a pass gets in at once when there is room, in one answer and with the request untouched, and
// the waiting page when there is none.
// Method: a backend that answers with what it received, as JSON, behind `vestibule demo --backend`.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct FirstContactTests {
        private let html = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        /// What a browser says of a page that a person opens, and of what a page fetches.
        private let navigation = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
        private let fetch = [("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")]

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a GET or POST gets in at once in one answer, with method, path, query and body intact`(
            verifier: String
        ) throws {
            let backend = try EchoBackend()
            let stack = try DemoStack(
                rooms: "  demo: {rate: 10, burst: 20}",
                options: ["--backend", "http://127.0.0.1:\(backend.port)", "--verifier", verifier]
            )
            let path = "/shop%2Fcart/a%20b;c=1/%ED%95%9C?q=a%2Fb&x=1+2&y=%20"
            let body = "name=%EA%B9%80&text=" + String(repeating: "0123456789", count: 3000)
            for (method, sent) in [("POST", body), ("PUT", "{\"a\": 1}"), ("DELETE", nil), ("GET", nil)] {
                let answer = try stack.client().send(method, path, headers: [html] + fetch, body: sent)
                #expect(answer.status == 200 && answer.json["method"]?.stringValue == method)
                #expect(answer.json["path"]?.stringValue == path && answer.json["body"]?.stringValue == sent ?? "")
                #expect(answer.values("Set-Cookie").isEmpty && answer.json["ticket"] == .null, "nobody has come")
            }
            #expect(try stack.stateField("joined") <= 0)
            for (method, sent) in [("GET", nil), ("POST", body)] {
                let answer = try stack.client().send(method, path, headers: [html] + navigation, body: sent)
                #expect(answer.status == 200, "\(method)")
                #expect(answer.json["method"]?.stringValue == method)
                #expect(answer.json["path"]?.stringValue == path, "\(method)")
                #expect(answer.json["body"]?.stringValue == sent ?? "", "\(method)")
                let (ticket, pass) = (answer.cookie("vestibule-ticket-demo"), answer.cookie("vestibule-pass-demo"))
                let number = try stack.keyRing().number(ticket ?? "")
                #expect(answer.json["pass"]?.stringValue == pass, "the backend sees the pass that the visitor gets")
                #expect(answer.json["ticket"]?.stringValue == "\(number)")
                #expect(answer.json["room"]?.stringValue == "demo")
                for value in answer.values("Set-Cookie") {
                    #expect(
                        value.contains("; HttpOnly") && value.contains("; SameSite=Lax") && value.contains("; Path=/")
                    )
                    #expect(!value.contains("; Secure"), "there is no TLS here")
                }
                // With the cookie the next request is not a first contact.
                let next = try stack.client().get("/next", html, ("Cookie", "vestibule-pass-demo=\(pass ?? "")"))
                #expect(next.json["path"]?.stringValue == "/next")
                #expect(next.values("Set-Cookie").isEmpty)
            }
            #expect(try stack.stateField("entered") == 2)
            #expect(backend.requests == 8, "each request reached the backend once")
        }

        @Test func `over HTTPS the cookies are Secure and have the Host prefix`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 10, burst: 20}")
            let answer = try TestProcess.output(
                "curl",
                ["-sik", "-H", "Accept: text/html", "https://localhost:\(stack.tlsPort)/first"]
            ).text.replacingOccurrences(of: "\r\n", with: "\n")
            #expect(answer.contains("This is the backend"))
            let cookies = answer.split(separator: "\n").filter { $0.lowercased().hasPrefix("set-cookie:") }
            #expect(cookies.count == 2)
            for name in ["__Host-vestibule-ticket-demo=", "__Host-vestibule-pass-demo="] {
                let line = cookies.first { $0.contains(name) } ?? ""
                #expect(
                    line.contains("; Secure") && line.contains("; HttpOnly") && line.contains("; Path=/"),
                    "\(name)"
                )
                #expect(line.contains("; SameSite=Lax") && !line.contains("Domain"), "\(name)")
            }
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a program goes on while tokens last and nobody waits, and is then told what to do`(
            verifier: String
        ) throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 5}", options: ["--verifier", verifier])
            let json = ("Accept", "application/json")
            for _ in 0..<4 {
                let answer = try stack.client().get("/api/products", json)
                #expect(answer.status == 200 && answer.values("Set-Cookie").isEmpty)
            }
            #expect(try stack.client().get("/first", html).text.contains("This is the backend"), "the fifth token")
            let kinds = [
                [json], [("Accept", "*/*")], [html, ("Sec-Fetch-Mode", "cors")], [html, ("Upgrade", "websocket")],
                [html, ("Sec-Purpose", "prefetch;prerender")], [html, ("Purpose", "prefetch")],
                [html, ("X-Moz", "prefetch")],
                [html, ("HX-Request", "true")], [html, ("Turbo-Frame", "cart")], [html, ("X-Inertia", "true")],
                [html, ("X-PJAX", "true")], [html, ("X-Up-Version", "3")],
                [html, ("X-Requested-With", "XMLHttpRequest")],
                [("Accept", "text/event-stream")],
            ]
            for headers in kinds {
                let answer = try stack.client().send("GET", "/api/products", headers: headers)
                #expect(answer.status == 503 && answer.errorCode == "PASS_MISSING", "\(headers)")
                #expect(answer.header("Content-Type") == "application/problem+json", "\(headers)")
                #expect(answer.header("Retry-After") == "5" && answer.header("Cache-Control") == "no-store")
                #expect(answer.json["room"]?.stringValue == "demo" && answer.values("Set-Cookie").isEmpty)
                #expect(answer.json["error"]?["message"]?.stringValue?.isEmpty == false)
            }
            let app = try stack.client().get("/app", html, ("X-Requested-With", "com.example.browser"))
            #expect(app.header("Content-Type")?.hasPrefix("text/html") == true, "a view of an app is a browser")
            #expect(try stack.stateField("joined") == 1)
            #expect(try stack.backendLines().count { $0.contains("/api/products") } == 4)
        }

        @Test func `without room the waiting page comes, keeps its ticket, and goes on when called`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 0.001, burst: 1}")
            let client = stack.client()
            #expect(try client.get("/first", html).text.contains("This is the backend"))
            let page = try client.send("POST", "/second", headers: [html] + navigation, body: "a=1")
            // It keeps what was sent, and does not load itself again.
            #expect(page.status == 503 && page.header("Retry-After") == "15")
            #expect(try client.get("/second", html).header("Retry-After") == "1")
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            #expect(page.header("Cache-Control") == "no-store")
            #expect(page.text.contains("/api/v1/queue/"))
            #expect(page.values("Set-Cookie").isEmpty, "the page joins by itself")
            let korean = try client.get("/second", html, ("Accept-Language", "ko-KR,ko;q=0.9,en;q=0.5"))
            #expect(korean.text.contains("대기"))

            // The page's own steps, with the cookie a browser would keep.
            let joined = try client.join(key: "the-page-makes-a-key")
            let cookie = ("Cookie", "vestibule-ticket-demo=\(joined.cookie("vestibule-ticket-demo") ?? "")")
            #expect(try client.get("/api/v1/queue/status", cookie).word == "waiting")
            #expect(!(try client.get("/second", html, cookie).text.contains("This is the backend")))
            #expect(try stack.stateField("joined") == 2, "a reload takes no second number")
            #expect(try stack.room("set", "demo", "rate=100").status == 0)
            #expect(try Wait.until(seconds: 2) { try client.get("/api/v1/queue/status", cookie).word == "ready" })
            // The ticket alone is enough to go on: the gate claims the call.
            let inside = try client.get("/second", html, cookie)
            #expect(inside.text.contains("This is the backend"))
            #expect(inside.cookie("vestibule-pass-demo")?.isEmpty == false)
            let posts = try stack.backendLines().filter { $0.contains("POST /second") }
            #expect(posts.isEmpty, "what was sent to the waiting page did not reach the backend")
        }

        @Test func `a bad pass is not a first contact, even when there is room`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 100, burst: 1000}")
            let client = stack.client()
            let joined = try client.join()
            let forger = try Forger(keys: try stack.keyRing(), room: "demo", good: joined.pass)
            for bad in try forger.badPasses() where !bad.pass.isEmpty {
                let answer = try client.get("/forged", html, ("Cookie", "vestibule-pass-demo=\(bad.pass)"))
                #expect(answer.status == 503, "\(bad.name)")
                #expect(!answer.text.contains("This is the backend"), "\(bad.name)")
                #expect(
                    answer.values("Set-Cookie").allSatisfy { $0.hasPrefix("vestibule-pass-demo=; ") },
                    "\(bad.name)"
                )
            }
            #expect(try client.get("/marker", ("Cookie", "vestibule-pass-demo=\(joined.pass)")).status == 200)
            let lines = try stack.backendLines()
            #expect(lines.contains { $0.contains("/marker") })
            #expect(!lines.contains { $0.contains("/forged") })
        }
    }
}

/// A backend of the user's own: answers with what it received.
private final class EchoBackend {
    private let server: PythonServer
    private let atStart: Int

    init() throws {
        server = try PythonServer(EchoBackend.program)
        atStart = server.record.count
    }

    var port: Int { server.port }

    /// Requests since the start.
    var requests: Int { server.record.count - atStart }

    private static let program = """
        import http.server, json, sys
        class Echo(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def answer(self):
                length = int(self.headers.get('Content-Length') or 0)
                body = self.rfile.read(length).decode('utf-8')
                text = json.dumps({'method': self.command, 'path': self.path, 'body': body,
                                   'pass': self.headers.get('X-Vestibule-Pass'),
                                   'ticket': self.headers.get('X-Vestibule-Ticket'),
                                   'room': self.headers.get('X-Vestibule-Room')}).encode()
                with open(sys.argv[2], 'a') as count: count.write('.')
                self.send_response(200)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            do_GET = do_POST = do_PUT = do_DELETE = answer
            def log_message(self, *words): pass
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Echo).serve_forever()
        """
}
