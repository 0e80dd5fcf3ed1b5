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
