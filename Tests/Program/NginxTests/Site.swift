// SPDX-License-Identifier: Apache-2.0
//
// A whole site in a temporary directory: nginx with one variant of our files, worker.py as the workers, and a backend
// (a second server of the same nginx) that logs one line for each request that reaches it.

import Glibc
import NginxFiles
import Passes
import TestSupport

final class Site {
    let directory: TemporaryDirectory
    let ring: KeyRing
    private let nginx: TestNginx
    private var workers: [TestProcess] = []

    static let room = "demo"

    /// Of the site without TLS.
    var port: Int { nginx.port }

    init(
        verifier: NginxConfiguration.Verifier,
        gateway: NginxConfiguration.Gateway = .fastcgi,
        workerCount: Int = 1,
        configure: (inout NginxConfiguration) -> Void = { _ in },
        servers: (_ directory: String, _ ports: [Int]) -> String = Site.servers(_:ports:)
    ) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        ring = try KeyRing(keys: [
            SigningKey(kid: "k1", secret: Array(0..<32)), SigningKey(kid: "k2", secret: Array(0x40..<0x80)),
        ])
        let keys = directory.file("keys.json")
        try directory.write("keys.json", String(decoding: ring.jwkSet(), as: UTF8.self))
        let sockets = (0..<workerCount).map { directory.file("worker\($0).sock") }
        var configuration = NginxConfiguration(
            directory: directory.path,
            keysFile: keys,
            workerSockets: sockets,
            verifier: verifier,
            gateway: gateway,
            limitExempt: ["127.0.0.0/8", "192.0.2.0/23", "2001:db8::/32", "::/16"],
            cacheDirectory: directory.file("board-cache"),
            apiLog: .site
        )
        configure(&configuration)
        for (name, text) in try configuration.renderedFiles() { try directory.write(name, text) }
        try Site.makeCertificate(directory)
        for (index, socket) in sockets.enumerated() {
            let script = "\(Repository.root)/Tests/Program/NginxTests/worker.py"
            let log = directory.file("worker\(index).log")
            workers.append(try TestProcess("python3", [script, gateway.rawValue, socket, keys], log: log))
        }
        for index in sockets.indices { try directory.read("worker\(index).log", onceItHolds: "listening") }
        let modules =
            switch verifier {
            case .njs: ["ngx_http_js_module"]
            case .lua: ["ndk_http_module", "ngx_http_lua_module"]
            case .authRequest: [String]()
            }
        nginx = try TestNginx(
            in: directory,
            modules: modules,
            ports: 4,
            isReady: { (try? HTTPClient(port: $0[0]).get("/_vestibule/healthz").status) == 200 },
            { servers(directory.path, $0) }
        )
        // Made by nginx at its start: a log that is missing must not pass for one without lines.
        for name in ["backend.log", "error.log", "access.log", "kept.log"] {
            guard access(directory.file(name), F_OK) == 0 else { throw TestFailure("nginx writes no \(name)") }
        }
    }

    // Before the directory goes.
    deinit {
        nginx.stop()
        endWorkers()
    }

    /// What nginx has written into a log about the requests it has answered.
    func log(_ name: String) throws -> String {
        let backend = try directory.backendLog(markedOver: TestSocket(port: nginx.ports[2]))
        return name == "backend.log" ? backend : Self.withoutNewerLines(directory.read(name))
    }

    /// Without what newer ones say at their start: nginx 1.25 of the tests' own `listen … http2`, which older ones
    /// need, and njs 0.8 of its engine.
    private static func withoutNewerLines(_ text: String) -> String {
        text.split(separator: "\n").filter { line in
            !line.contains("\"listen ... http2\" directive is deprecated") && !line.contains("js vm init njs")
        }.map { $0 + "\n" }.joined()
    }

    /// Ends the first workers of the site, or all of them.
    func endWorkers(_ count: Int = .max) {
        workers.prefix(count).forEach { $0.stop() }
    }

    /// `nginx -t` over the running configuration.
    func configurationTest() throws -> (status: Int32, text: String) {
        let (status, text) = try TestProcess.output("nginx", ["-t", "-c", directory.file("nginx.conf")])
        return (status, Self.withoutNewerLines(text))
    }

    /// What reached the backend under a path, one line a request.
    func backendLines(containing text: String = "") throws -> [String] {
        try log("backend.log").split(separator: "\n").map(String.init).filter { $0.contains(text) }
    }

    /// The Cookie header of a visitor whose pass is good.
    func goodPass(_ rooms: [String] = [Site.room]) -> String {
        let pairs = rooms.map { room in
            let table = PassTable(ring: ring, cookieName: "vestibule-pass-\(room)")
            return "\(table.cookieName)=\(table.token(table.pass(room: room)))"
        }
        return "Cookie: \(pairs.joined(separator: "; "))"
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
        /// The room that the gate was asked for, when the gate answered.
        var gateRoom: String? {
            body.firstMatch(of: /"VESTIBULE_OPERATION": "gate", "VESTIBULE_ROOM": "([^"]*)"/).map { String($0.1) }
        }
        /// The verdict that the gate got, when the gate answered.
        var gateVerdict: String? {
            body.firstMatch(of: /"VESTIBULE_OPERATION": "gate".*"VESTIBULE_VERDICT": "([^"]*)"/).map { String($0.1) }
        }
    }

    /// Asks with curl, which sends the path as it is written.
    func request(_ path: String, https: Bool = false, headers: [String] = [], curl options: [String] = []) throws
        -> Response
    {
        let base = https ? "https://127.0.0.1:\(nginx.ports[1])" : "http://127.0.0.1:\(nginx.port)"
        let arguments = ["-sk", "-i", "--path-as-is", "-g", "-m", "10"] + headers.flatMap { ["-H", $0] } + options
        let output = try TestProcess.output("curl", arguments + [base + path]).text
        let parts = output.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts[0].split(separator: "\r\n").map(String.init)
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Response(status: status, headers: lines, body: parts.count > 1 ? String(parts[1]) : "")
    }

    private static func makeCertificate(_ directory: TemporaryDirectory) throws {
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
        let files = ["-keyout", directory.file("key.pem"), "-out", directory.file("cert.pem")]
        let made = try TestProcess.output("openssl", words.split(separator: " ").map(String.init) + files)
        guard made.status == 0 else { throw TestFailure("no certificate: \(made.text)") }
    }
}

extension Site {
    /// What every site has in `http`: our files, logs, and a backend that writes a line for each request.
    /// - Parameter seen: what of a request its line holds, between the address and the body.
    static func shared(_ directory: String, _ ports: [Int], _ seen: String) -> String {
        """
        include \(directory)/vestibule-http.conf;
        set_real_ip_from 127.0.0.0/8; real_ip_header X-Real-Address;
        access_log \(directory)/access.log vestibule;
        access_log \(directory)/kept.log vestibule if=$vestibule_logged;
        log_format backend escape=none '$request_method $request_uri \(seen) body=$request_body';
        upstream backend { server 127.0.0.1:\(ports[2]); }
        server {
            listen 127.0.0.1:\(ports[2]); access_log \(directory)/backend.log backend;
            location / { proxy_pass http://127.0.0.1:\(ports[3]); }
        }
        """
    }

    /// What is in `http`; ports are http, https, backend, and the backend's own inner server, which makes nginx read
    /// bodies. X-Real-Address lets a test come from any address.
    static func servers(_ directory: String, ports: [Int]) -> String {
        func protected(_ path: String, _ room: String, _ proxy: String) -> String {
            "location \(path) { \(room) include \(directory)/vestibule-protect.conf; \(proxy) }"
        }
        let exact = "proxy_pass http://backend$request_uri;"
        let seen =
            "length=$content_length room=$http_x_vestibule_room ticket=$http_x_vestibule_ticket "
            + "pass=$http_x_vestibule_pass"
        return """
            \(shared(directory, ports, seen))
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
            """
    }
}
