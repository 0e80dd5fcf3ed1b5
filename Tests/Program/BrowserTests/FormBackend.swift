// SPDX-License-Identifier: Apache-2.0
//
// A backend for forms, which is also another site for them: asked directly it is a bank with a page of its own, and
// behind nginx it is the site, and says what has reached it.

import Foundation
import StrictJSON
import TestSupport

/// One Python server on loopback.
final class FormBackend {
    let server: PythonServer

    init() throws { server = try PythonServer(FormBackend.program) }

    var address: String { "http://127.0.0.1:\(server.port)" }

    /// A form as it reached the site.
    struct Post {
        let path: String
        let body: String
        let type: String
        let cookie: String
        let site: String
    }

    /// Forms that have come, in order.
    var posts: [Post] {
        server.record.split(separator: "\n").compactMap { line in
            guard let json = try? JSONValue(parsing: Array(line.utf8)) else { return nil }
            func text(_ name: String) -> String { json[name]?.stringValue ?? "" }
            return Post(
                path: text("path"),
                body: text("body"),
                type: text("type"),
                cookie: text("cookie"),
                site: text("site")
            )
        }
    }

    private static let program = """
        import http.server, json, sys
        PAGE = '<!doctype html><title>backend</title><link rel="icon" href="data:,"><h1>%s backend</h1>'
        class Backend(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def show(self, status, text, *headers):
                data = text.encode()
                self.send_response(status)
                for name, value in headers + (('Content-Type', 'text/html'), ('Content-Length', str(len(data)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            def do_GET(self):
                self.show(200, PAGE % 'GET')
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode('latin-1')
                with open(sys.argv[2], 'a') as posts:
                    posts.write(json.dumps({
                        'path': self.path, 'body': body, 'type': self.headers.get('Content-Type', ''),
                        'cookie': self.headers.get('Cookie', ''),
                        'site': self.headers.get('Sec-Fetch-Site', '')}) + '\\n')
                if self.path.startswith('/pay'):
                    return self.show(303, '', ('Location', 'http://127.0.0.1:%s/provider' % sys.argv[1]))
                self.show(200, PAGE % 'POST')
            def log_message(self, *words): pass
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Backend).serve_forever()
        """
}

// MARK: - Visits to it

extension FormBackend {
    /// A browser before a room whose backend this is, with a page of the site that has a form.
    func visit<Chosen: WebBrowser>(
        ahead: Int,
        isSecure: Bool = false,
        browser: Chosen,
        verifier: String = "njs"
    ) throws -> VisitOf<Chosen> {
        let room = "  demo: {rate: 0.01, burst: 1, claim_window: 20s, returns: [/return]}"
        let options = ["--backend", address, "--verifier", verifier]
        let visit = try VisitOf(room, ahead: ahead, isSecure: isSecure, browser: browser, options: options)
        try visit.serve("/form", html: FormBackend.formPage)
        return visit
    }

    private static let formPage = """
        <!doctype html><meta charset="utf-8"><title>form</title><link rel="icon" href="data:,"><h1>Form</h1>
        <form method="post" action="/shop?item=7"><input name="city" value="서울"><button>Send</button></form>
        """

    /// Sends a form with these fields from the page that the browser shows.
    /// - Parameter more: a script that changes the form before.
    func send(
        _ fields: [(String, String)],
        to address: String,
        _ browser: some WebBrowser,
        more: String = ""
    ) throws {
        let pairs = fields.map { "[\(JSONText.literal($0.0)),\(JSONText.literal($0.1))]" }.joined(separator: ",")
        _ = try browser.evaluate(
            """
            const form = document.createElement('form');
            form.setAttribute('method', 'post');
            form.setAttribute('action', \(JSONText.literal(address)));
            for (const [name, value] of [\(pairs)]) {
              const field = document.createElement('textarea');
              field.name = name;
              field.value = value;
              form.append(field);
            }
            \(more)
            document.body.append(form);
            // After this script has returned: Firefox has no answer of a page that is gone.
            setTimeout(() => HTMLFormElement.prototype.submit.call(form));
            """
        )
    }

    /// Puts a file into the form.
    static let withFile = """
        const file = document.createElement('input');
        file.type = 'file';
        file.name = 'file';
        const chosen = new DataTransfer();
        chosen.items.add(new File(['x'], 'x.txt'));
        file.files = chosen.files;
        form.enctype = 'multipart/form-data';
        form.append(file);
        """

    /// Fields that would break out of a page that wrote them down carelessly.
    static let hostile: [(String, String)] = [
        (#""><script>window.hacked = 1</script>"#, "</textarea><img src=x onerror=window.hacked=1>"),
        ("submit", "1"), ("action", "https://evil.invalid/"), ("method", "get"), ("dataset", "x"),
        ("id", "&amp;"),
        ("text", "\none\ntwo\n"), ("city", "서울 + 부산"), ("{{FORM}}", "{{ROOM}}"), ("a", ""), ("a", " 1 "),
    ]

    /// The fields as a browser sends them (application/x-www-form-urlencoded).
    static func encoded(_ fields: [(String, String)]) -> String {
        func encoded(_ text: String) -> String {
            text.replacing("\n", with: "\r\n").utf8.map { byte in
                let character = Character(UnicodeScalar(byte))
                if byte == 0x20 { return "+" }
                let isPlain =
                    character.isASCII && (character.isLetter || character.isNumber || "*-._".contains(character))
                return isPlain ? String(character) : "%" + String(format: "%02X", byte)
            }.joined()
        }
        return fields.map { "\(encoded($0.0))=\(encoded($0.1))" }.joined(separator: "&")
    }
}
