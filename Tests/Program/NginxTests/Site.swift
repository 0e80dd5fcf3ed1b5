// SPDX-License-Identifier: Apache-2.0
//
// A whole site in a temporary directory: nginx with one variant of our files, worker.py as the workers, and a backend
// (a second server of the same nginx) that logs one line for each request that reaches it.

import Foundation
import NginxFiles
import Passes

final class Site {
    let directory: URL
    let ring: KeyRing
    private let httpPort: UInt16
    private let httpsPort: UInt16
    private var nginx: ChildProcess?
    private(set) var workers: [ChildProcess] = []

    static let room = "demo"

    init(
        verifier: NginxConfiguration.Verifier,
        gateway: NginxConfiguration.Gateway = .fastcgi,
        workerCount: Int = 1,
        configure: (inout NginxConfiguration) -> Void = { _ in }
    ) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("vestibule-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        ring = try KeyRing(keys: [
            SigningKey(kid: "k1", secret: Array(0..<32)), SigningKey(kid: "k2", secret: Array(0x40..<0x80)),
        ])
        let ports = try freePorts(4)
        (httpPort, httpsPort) = (ports[0], ports[1])
        try Data(ring.jwkSet()).write(to: file("keys.json"))

        let sockets = (0..<workerCount).map { file("worker\($0).sock").path }
        var configuration = NginxConfiguration(
            directory: directory.path,
            keysFile: file("keys.json").path,
            workerSockets: sockets,
            verifier: verifier,
            gateway: gateway,
            limitExempt: ["127.0.0.0/8", "192.0.2.0/23", "2001:db8::/32", "::/16"],
            cacheDirectory: file("board-cache").path
        )
        configure(&configuration)
        for (name, text) in try configuration.renderedFiles() { try Data(text.utf8).write(to: file(name)) }
        try makeCertificate()
        let text = Site.mainConfiguration(directory.path, verifier: verifier, ports: ports)
        try Data(text.utf8).write(to: file("nginx.conf"))

        for (index, socket) in sockets.enumerated() {
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("worker.py")
            let arguments = [script.path, gateway.rawValue, socket, file("keys.json").path]
            workers.append(try ChildProcess("/usr/bin/python3", arguments, output: file("worker\(index).log")))
        }
        try wait(for: "the workers") {
            try (0..<workerCount).allSatisfy { try log("worker\($0).log").contains("listening") }
        }
        nginx = try ChildProcess("/usr/sbin/nginx", ["-c", file("nginx.conf").path], output: file("nginx.out"))
        try wait(for: "nginx: \(log("nginx.out"))") { try request("/healthz").status == 200 }
    }

    deinit {
        nginx?.end()
        endWorkers()
        try? FileManager.default.removeItem(at: directory)
    }

    func file(_ name: String) -> URL { directory.appendingPathComponent(name) }

    func log(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: file(name)), as: UTF8.self)
    }

    /// Ends the first workers of the site, or all of them.
    func endWorkers(_ count: Int = .max) {
        workers.prefix(count).forEach { $0.end() }
    }

    /// `nginx -t` over the running configuration.
    func configurationTest() throws -> CommandResult {
        try run("/usr/sbin/nginx", ["-t", "-c", file("nginx.conf").path])
    }

    /// What reached the backend under a path, one line a request.
    func backendLines(containing text: String) throws -> [String] {
        try log("backend.log").split(separator: "\n").map(String.init).filter { $0.contains(text) }
    }

    struct Response {
        let status: Int
        let headers: [String]
        let body: String
        func values(of name: String) -> [String] {
            headers.filter { $0.lowercased().hasPrefix(name.lowercased() + ": ") }.map {
                String($0.dropFirst(name.count + 2))
            }
        }
        /// The verdict that the gate was told, when it was the gate that answered.
        var gateVerdict: String? {
            body.firstMatch(of: /"VESTIBULE_OPERATION": "gate".*"VESTIBULE_VERDICT": "([^"]*)"/).map { String($0.1) }
        }
    }

    /// Asks with curl, which sends the path as it is written.
    func request(_ path: String, https: Bool = false, headers: [String] = [], curl options: [String] = []) throws
        -> Response
    {
        let base = https ? "https://127.0.0.1:\(httpsPort)" : "http://127.0.0.1:\(httpPort)"
        let arguments = ["-sk", "-i", "--path-as-is", "-g", "-m", "10"] + headers.flatMap { ["-H", $0] } + options
        let output = try run("/usr/bin/curl", arguments + [base + path]).output
        let parts = output.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts[0].split(separator: "\r\n").map(String.init)
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Response(status: status, headers: lines, body: parts.count > 1 ? String(parts[1]) : "")
    }

    private func makeCertificate() throws {
        let made = try run(
            "/usr/bin/openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
                + ["-subj", "/CN=localhost", "-keyout", file("key.pem").path, "-out", file("cert.pem").path]
        )
        guard made.status == 0 else { throw TimedOut(waitingFor: "a certificate: \(made.output)") }
    }
}

extension Site {
    /// nginx.conf; ports are http, https, backend, and the backend's own inner server, which makes nginx read bodies.
    /// X-Real-Address lets a test come from any address.
    private static func mainConfiguration(
        _ directory: String,
        verifier: NginxConfiguration.Verifier,
        ports: [UInt16]
    ) -> String {
        let modules =
            switch verifier {
            case .njs: ["ngx_http_js_module"]
            case .lua: ["ndk_http_module", "ngx_http_lua_module"]
            case .authRequest: []
            }
        func protected(_ path: String, _ room: String, _ proxy: String) -> String {
            "location \(path) { \(room) include \(directory)/vestibule-protect.conf; \(proxy) }"
        }
        let exact = "proxy_pass http://backend$request_uri;"
        return """
            \(modules.map { "load_module /usr/lib/nginx/modules/\($0).so;" }.joined(separator: " "))
            user root; worker_processes 1; daemon off; pid \(directory)/nginx.pid; error_log \(directory)/error.log;
            events { worker_connections 256; }
            http {
                client_body_temp_path \(directory)/body; proxy_temp_path \(directory)/proxy;
                fastcgi_temp_path \(directory)/fastcgi; scgi_temp_path \(directory)/scgi;
                uwsgi_temp_path \(directory)/uwsgi;
                include \(directory)/vestibule-http.conf;
                set_real_ip_from 127.0.0.0/8; real_ip_header X-Real-Address;
                access_log \(directory)/access.log vestibule;
                access_log \(directory)/kept.log vestibule if=$vestibule_logged;
                log_format backend escape=none '$request_method $request_uri length=$content_length '
                    'room=$http_x_vestibule_room ticket=$http_x_vestibule_ticket '
                    'pass=$http_x_vestibule_pass body=$request_body';
                upstream backend { server 127.0.0.1:\(ports[2]); }
                server {
                    listen 127.0.0.1:\(ports[2]); access_log \(directory)/backend.log backend;
                    location / { proxy_pass http://127.0.0.1:\(ports[3]); }
                }
                server {
                    listen 127.0.0.1:\(ports[3]); access_log off;
                    location / { add_header Cache-Control public; return 200 'backend $request_method $request_uri'; }
                }
                server {
                    listen 127.0.0.1:\(ports[0]);
                    listen 127.0.0.1:\(ports[1]) ssl http2;
                    ssl_certificate \(directory)/cert.pem; ssl_certificate_key \(directory)/key.pem;
                    include \(directory)/vestibule-server.conf;
                    \(protected("/", "set $vestibule_room demo;", exact))
                    \(protected("/plain/", "set $vestibule_room demo;", "proxy_pass http://backend;"))
                    \(protected("/other/", "set $vestibule_room other;", exact))
                    \(protected("/hop/", "set $vestibule_room demo;", "try_files /none /other/from-hop;"))
                    \(protected("/hop-same/", "set $vestibule_room demo;", "try_files /none /from-hop-same;"))
                    \(protected("/no-room/", "", exact))
                    \(protected("/bad-room/", "set $vestibule_room a.b;", exact))
                    location = /static-secret { internal; return 200 secret; }
                }
            }

            """
    }
}
