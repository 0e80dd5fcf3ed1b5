// SPDX-License-Identifier: Apache-2.0
//
// The real nginx in front of both servers.

import Gateway
import TestSupport
import Testing

/// Both servers behind nginx on a free port, and one kept connection to it.
private final class Site {
    let gateway = TestGateway()
    private let nginx: TestNginx
    private let directory: TemporaryDirectory
    private let client: HTTPClient

    init() throws {
        let (directory, gateway) = (try TemporaryDirectory(), gateway)
        self.directory = directory
        let parameters = ["REQUEST_METHOD $request_method", "DOCUMENT_URI $document_uri", "HTTP_COOKIE $http_cookie"]
        func lines(_ directive: String) -> String { parameters.map { "\(directive) \($0);" }.joined(separator: " ") }
        nginx = try TestNginx(in: directory) { ports in
            """
            access_log off; keepalive_requests 100000; large_client_header_buffers 4 16k;
            upstream worker {
                server unix:\(gateway.fastCGIPath) max_fails=0; keepalive 4; keepalive_requests 100000;
            }
            server {
                listen 127.0.0.1:\(ports[0]);
                location / {
                    fastcgi_pass worker; fastcgi_keep_conn on; fastcgi_pass_request_headers off;
                    \(lines("fastcgi_param"))
                }
                location /scgi {
                    scgi_pass unix:\(gateway.scgiPath); scgi_pass_request_headers off; \(lines("scgi_param"))
                    scgi_param SCGI 1;
                }
            }
            """
        }
        client = HTTPClient(port: nginx.port)
    }

    /// The body of an answer that was read to its end, whatever its status.
    func ask(_ method: String, _ path: String, cookie: Int = 0, body: String = "") throws -> String {
        let headers = cookie > 0 ? [("Cookie", String(repeating: "c", count: cookie))] : []
        return try client.send(method, path, headers: headers, body: body).text
    }

    func stop() {
        nginx.stop()
        gateway.stop()
    }
}

@Suite struct NginxTests {
    @Test func `Two thousand requests through nginx use a few worker connections`() throws {
        let site = try Site()
        defer { site.stop() }
        for number in 0..<2_000 {
            guard try site.ask("GET", "/n/\(number)") == "GET /n/\(number) cookie 0 body 0 sum 0" else {
                Issue.record("request \(number)")
                break
            }
        }
        #expect(site.gateway.fastCGICounters.requests == 2_000)
        #expect(site.gateway.fastCGICounters.acceptedConnections <= 4)
    }

    @Test func `Big cookies, bodies and later answers pass through nginx on kept connections`() throws {
        let site = try Site()
        defer { site.stop() }
        // Around the 8,192 bytes that libfcgi reads at a time.
        for cookie in 8_080...8_110 {
            #expect(try site.ask("GET", "/c", cookie: cookie) == "GET /c cookie \(cookie) body 0 sum 0")
        }
        for size in [1, 8_192, 16_000, 40_000, 65_536] {
            let answer = try site.ask("POST", "/b", body: String(repeating: "b", count: size))
            #expect(answer.contains("POST /b cookie 0 body \(size) "), "\(size) bytes")
        }
        #expect(try site.ask("GET", "/later") == "later")
        #expect(try site.ask("GET", "/size/100000") == String(repeating: "y", count: 100_000))
        #expect(site.gateway.fastCGICounters.rejectedConnections == 0)
        #expect(site.gateway.fastCGICounters.acceptedConnections <= 4)
    }

    @Test func `The same handler answers through SCGI`() throws {
        let site = try Site()
        defer { site.stop() }
        for number in 0..<50 {
            #expect(try site.ask("GET", "/scgi/\(number)") == "GET /scgi/\(number) cookie 0 body 0 sum 0")
        }
        let answer = try site.ask("POST", "/scgi/b", body: String(repeating: "b", count: 20_000))
        #expect(answer.contains("POST /scgi/b cookie 0 body 20000 "))
        #expect(site.gateway.scgiCounters.requests == 51)
    }
}
