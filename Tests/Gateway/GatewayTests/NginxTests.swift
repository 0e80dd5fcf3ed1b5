// SPDX-License-Identifier: Apache-2.0
//
// The real nginx in front of both servers.

import Gateway
import GatewayWire
import Glibc
import Reactor
import Testing

/// nginx with one worker process on a free port, in the directory of a test gateway.
final class Nginx {
    let port: UInt16
    private let directory: String
    private var process: pid_t = 0

    init(_ gateway: TestGateway) throws {
        directory = "\(gateway.directory)/nginx"
        precondition(mkdir(directory, 0o755) == 0)
        let free = try Listener.loopback(port: 0)
        port = free.port
        free.close()
        let parameters = ["REQUEST_METHOD $request_method", "DOCUMENT_URI $document_uri", "HTTP_COOKIE $http_cookie"]
        func lines(_ directive: String) -> String { parameters.map { "\(directive) \($0);" }.joined(separator: " ") }
        let text = """
            daemon off; worker_processes 1; pid \(directory)/pid; error_log \(directory)/error.log; user root;
            events { worker_connections 256; }
            http {
                access_log off; keepalive_requests 100000; large_client_header_buffers 4 16k;
                client_body_temp_path \(directory)/body; fastcgi_temp_path \(directory)/fastcgi;
                proxy_temp_path \(directory)/proxy; scgi_temp_path \(directory)/scgi;
                uwsgi_temp_path \(directory)/uwsgi;
                upstream worker {
                    server unix:\(gateway.fastCGIPath) max_fails=0; keepalive 4; keepalive_requests 100000;
                }
                server {
                    listen 127.0.0.1:\(port);
                    location / {
                        fastcgi_pass worker; fastcgi_keep_conn on; fastcgi_pass_request_headers off;
                        \(lines("fastcgi_param"))
                    }
                    location /scgi {
                        scgi_pass unix:\(gateway.scgiPath); scgi_pass_request_headers off; \(lines("scgi_param"))
                        scgi_param SCGI 1;
                    }
                }
            }
            """
        let file = open("\(directory)/nginx.conf", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        precondition(write(file, text, text.utf8.count) == text.utf8.count)
        close(file)
        let words = ["nginx", "-p", directory, "-c", "nginx.conf", "-e", "error.log"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        precondition(posix_spawn(&process, "/usr/sbin/nginx", nil, nil, arguments, environ) == 0)
        for argument in arguments { Glibc.free(argument) }
    }

    /// A connection as soon as nginx listens, nil when it does not within five seconds.
    func connect() -> Client? {
        for _ in 0..<500 {
            if let client = Client(port: port) { return client }
            usleep(10_000)
        }
        return nil
    }

    func stop() {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        for name in ["nginx.conf", "error.log", "pid"] { unlink("\(directory)/\(name)") }
        for name in ["body", "fastcgi", "proxy", "scgi", "uwsgi"] { rmdir("\(directory)/\(name)") }
        rmdir(directory)
    }

}

extension Client {
    /// One HTTP exchange on a kept connection.
    func http(_ method: String, _ path: String, cookie: Int = 0, body: String = "") -> String? {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
        if cookie > 0 { text += "Cookie: \(String(repeating: "c", count: cookie))\r\n" }
        send(Array("\(text)\r\n\(body)".utf8))
        var received = ""
        while let bytes = receive(), !bytes.isEmpty {
            received += String(decoding: bytes, as: UTF8.self)
            // Compared as bytes: in Swift, CR LF is one character.
            let parts = Array(received.utf8).split(separator: 0x0A, omittingEmptySubsequences: false)
            guard let blank = parts.firstIndex(of: [0x0D]) else { continue }
            let length = parts[..<blank].lazy.map { String(decoding: $0, as: UTF8.self) }
                .first { $0.hasPrefix("Content-Length: ") }
                .flatMap { Int($0.dropFirst(16).filter(\.isNumber)) }
            let headBytes = parts[...blank].reduce(0) { $0 + $1.count + 1 }
            if received.utf8.count >= headBytes + (length ?? 0) { return received }
        }
        return nil
    }
}

@Suite struct NginxTests {
    @Test func `Two thousand requests through nginx use a few worker connections`() throws {
        let gateway = TestGateway()
        let nginx = try Nginx(gateway)
        let client = try #require(nginx.connect())
        for number in 0..<2_000 {
            guard client.http("GET", "/n/\(number)")?.hasSuffix("GET /n/\(number) cookie 0 body 0 sum 0") == true else {
                Issue.record("request \(number)")
                break
            }
        }
        #expect(gateway.fastCGICounters.requests == 2_000)
        #expect(gateway.fastCGICounters.acceptedConnections <= 4)
        nginx.stop()
        gateway.stop()
    }

    @Test func `Big cookies, bodies and later answers pass through nginx on kept connections`() throws {
        let gateway = TestGateway()
        let nginx = try Nginx(gateway)
        let client = try #require(nginx.connect())
        // Around the 8,192 bytes that libfcgi reads at a time.
        for cookie in 8_080...8_110 {
            #expect(client.http("GET", "/c", cookie: cookie)?.hasSuffix("GET /c cookie \(cookie) body 0 sum 0") == true)
        }
        for size in [1, 8_192, 16_000, 40_000, 65_536] {
            let answer = client.http("POST", "/b", body: String(repeating: "b", count: size))
            #expect(answer?.contains("POST /b cookie 0 body \(size) ") == true, "\(size) bytes")
        }
        #expect(client.http("GET", "/later")?.hasSuffix("later") == true)
        #expect(client.http("GET", "/size/100000")?.hasSuffix(String(repeating: "y", count: 100_000)) == true)
        #expect(gateway.fastCGICounters.rejectedConnections == 0)
        #expect(gateway.fastCGICounters.acceptedConnections <= 4)
        nginx.stop()
        gateway.stop()
    }

    @Test func `The same handler answers through SCGI`() throws {
        let gateway = TestGateway()
        let nginx = try Nginx(gateway)
        let client = try #require(nginx.connect())
        for number in 0..<50 {
            #expect(
                client.http("GET", "/scgi/\(number)")?.hasSuffix("GET /scgi/\(number) cookie 0 body 0 sum 0") == true
            )
        }
        let answer = client.http("POST", "/scgi/b", body: String(repeating: "b", count: 20_000))
        #expect(answer?.contains("POST /scgi/b cookie 0 body 20000 ") == true)
        #expect(gateway.scgiCounters.requests == 51)
        nginx.stop()
        gateway.stop()
    }
}
