// SPDX-License-Identifier: Apache-2.0
//
// The files of a demo: keys, certificate, and the configurations of Redis, nginx and the backend.

import Configuration
import Glibc
import NginxFiles
import Passes
import Reactor

extension DemoPlan {
    func writeFiles() throws {
        if !Files.exists(path("keys.json")) {
            try Files.write(path("keys.json"), try KeysCommand.newRing().jwkSet(), mode: 0o600)
        }
        try Files.write(path("vestibule.yaml"), configurationText)
        try Files.write(path("redis.conf"), redisText)
        try Files.makeDirectory(path("nginx"))
        for (name, text) in try nginxIncludes.renderedFiles() { try Files.write(path("nginx/\(name)"), text) }
        try Files.write(path("nginx.conf"), nginxText)
        if backend == nil { try Files.write(path("backend.conf"), backendText) }
        // With a Redis of its own a demo is a new event, also in a directory that has seen one.
        if redisSocket == nil { for room in configuration.rooms { RunMarks.remove(room.id, in: directory) } }
        try makeCertificate()
    }

    private func makeCertificate() throws {
        guard !Files.exists(path("tls.crt")) || !Files.exists(path("tls.key")) else { return }
        let problem = try ChildProcess.run(
            try Files.executable("openssl"),
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", path("tls.key"), "-out", path("tls.crt"),
            ],
            logPath: path("openssl.log")
        )
        if let problem { throw CommandFailure("CERTIFICATE_FAILED", problem) }
    }

    private var redisText: String {
        """
        port 0
        unixsocket \(path("redis.sock"))
        unixsocketperm 700
        dir \(directory)
        save ""
        appendonly no
        maxmemory-policy noeviction
        daemonize no

        """
    }

    private var nginxIncludes: NginxConfiguration {
        NginxConfiguration(
            directory: path("nginx"),
            keysFile: path("keys.json"),
            workerSockets: workerSockets,
            verifier: verifier,
            gateway: gateway,
            limitExempt: limitsLoopback ? [] : ["127.0.0.0/8", "::1"],
            cacheDirectory: path("board-cache"),
            apiLog: .site,
            apiPrefix: configuration.apiPrefix,
            protectedRooms: configuration.protectedRooms
        )
    }

    /// nginx started by root would give its workers to another user, who may not enter the directory.
    private var userLine: String { geteuid() == 0 ? "user root;" : "" }

    private func temporaryPaths(of server: String) -> String {
        ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
            .map { "    \($0)_temp_path \(path("tmp-\(server)-\($0)"));\n" }.joined()
    }

    private var moduleLines: String {
        let folder = "/usr/lib/nginx/modules"
        switch verifier {
        case .njs: return "load_module \(folder)/ngx_http_js_module.so;"
        case .lua:
            return "load_module \(folder)/ndk_http_module.so;\nload_module \(folder)/ngx_http_lua_module.so;"
        case .authRequest: return ""
        }
    }

    private var nginxText: String {
        """
        # Written by vestibule demo.
        daemon off;
        \(userLine)
        worker_processes auto;
        pid \(path("nginx.pid"));
        error_log \(path("nginx-error.log")) warn;
        \(moduleLines)
        events { worker_connections 8192; }
        http {
        \(temporaryPaths(of: "nginx"))
            default_type text/plain;
            server_tokens off;
            keepalive_requests 1000000;
            include \(path("nginx"))/vestibule-http.conf;
            access_log \(path("access.log")) vestibule buffer=64k flush=1s if=$vestibule_logged;
            upstream demo_backend {
                server \(backend ?? "unix:\(path("backend.sock"))");
                keepalive 64;
            }
            server {
                listen 127.0.0.1:\(port);
                listen 127.0.0.1:\(tlsPort) ssl http2;
                server_name localhost;
                ssl_certificate \(path("tls.crt"));
                ssl_certificate_key \(path("tls.key"));
                ssl_protocols TLSv1.2 TLSv1.3;
                include \(path("nginx"))/vestibule-server.conf;
                # The short names of old. A site of yours has /_vestibule/healthz and so on.
                location ~ ^/(healthz|readyz|metrics)$ {
                    rewrite ^ /_vestibule$uri last;
                }
                location / {
                    set $vestibule_room demo;
                    include \(path("nginx"))/vestibule-protect.conf;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_set_header Host $host;
                    proxy_pass http://demo_backend$request_uri;
                }
            }
        }

        """
    }

    /// The backend is a second nginx: it answers any method and path, and logs one line a request.
    private var backendText: String {
        """
        # Written by vestibule demo.
        daemon off;
        \(userLine)
        worker_processes 1;
        pid \(path("backend.pid"));
        error_log \(path("backend-error.log")) warn;
        events { worker_connections 4096; }
        http {
        \(temporaryPaths(of: "backend"))
            default_type text/html;
            keepalive_requests 1000000;
            log_format line '$msec $request_method $uri $status ticket=$http_x_vestibule_ticket length=$content_length';
            access_log \(path("backend.log")) line;
            server {
                listen unix:\(path("backend.sock"));
                add_header Cache-Control no-store;
                add_header X-Backend-Method $request_method;
                location / {
                    return 200 '<!doctype html><title>backend</title><h1>This is the backend</h1>\
                    <p>You are in. Method $request_method, ticket $http_x_vestibule_ticket.</p>\\n';
                }
            }
        }

        """
    }
}
