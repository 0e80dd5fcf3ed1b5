// SPDX-License-Identifier: Apache-2.0
//
// deploy/redis-tls/nginx-stream.conf as it stands, with its paths and names put in the test's place: a real Redis that
// takes nothing but TLS with client certificates, and authorities made by openssl.

import Foundation
import QueueClient
import RedisQueue
import TestSupport
import Testing

/// Certificates, a Redis with TLS alone, and nginx in front of it.
private final class TLSSite {
    let directory: TemporaryDirectory
    let port: Int
    private var processes: [TestProcess] = []

    init() throws {
        directory = try TemporaryDirectory()
        port = try Loopback.freePort()
        for authority in ["ca", "other-ca"] { try makeAuthority(authority) }
        try makeCertificate("server", signedBy: "ca", name: "redis.example.org")
        try makeCertificate("client", signedBy: "ca", name: "vestibule")
        try makeCertificate("stranger", signedBy: "other-ca", name: "vestibule")
        let redis = try TestProcess(
            "redis-server",
            [
                "--port", "0", "--tls-port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", directory.path,
                "--tls-cert-file", file("server.crt"), "--tls-key-file", file("server.key"),
                "--tls-ca-cert-file", file("ca.crt"), "--tls-auth-clients", "yes",
            ],
            log: file("redis.log")
        )
        processes.append(redis)
        guard Wait.until(seconds: 5, { Loopback.connects(port: self.port) }) else {
            throw TestFailure("no Redis with TLS: \(directory.read("redis.log"))")
        }
    }

    private func file(_ name: String) -> String { directory.file(name) }

    private func openssl(_ words: String...) throws {
        let result = try TestProcess.output("openssl", words)
        if result.status != 0 { throw TestFailure("openssl \(words): \(result.text)") }
    }

    private func makeAuthority(_ name: String) throws {
        try openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=\(name)",
            "-keyout",
            file("\(name).key"),
            "-out",
            file("\(name).crt")
        )
    }

    private func makeCertificate(_ file: String, signedBy authority: String, name: String) throws {
        let base = self.file(file)
        try openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=\(name)",
            "-addext",
            "subjectAltName=DNS:\(name)",
            "-keyout",
            "\(base).key",
            "-out",
            "\(base).csr"
        )
        try openssl(
            "x509",
            "-req",
            "-in",
            "\(base).csr",
            "-CA",
            self.file("\(authority).crt"),
            "-CAkey",
            self.file("\(authority).key"),
            "-CAcreateserial",
            "-days",
            "2",
            "-copy_extensions",
            "copy",
            "-out",
            "\(base).crt"
        )
    }

    /// Starts nginx with the example; returns the path of the socket it listens on.
    func proxy(_ name: String, expecting: String, authority: String = "ca", client: String = "client") throws -> String
    {
        var text = try String(contentsOfFile: "\(Repository.root)/deploy/redis-tls/nginx-stream.conf", encoding: .utf8)
        let places = [
            ("unix:/run/vestibule-redis/redis.sock;", "unix:\(file("\(name).sock"));"),
            ("proxy_pass redis.example.org:6379;", "proxy_pass 127.0.0.1:\(port);"),
            ("proxy_ssl_name redis.example.org;", "proxy_ssl_name \(expecting);"),
            ("/etc/vestibule/redis-ca.crt;", file("\(authority).crt;")),
            ("/etc/vestibule/redis-client.crt;", file("\(client).crt;")),
            ("/etc/vestibule/redis-client.key;", file("\(client).key;")),
        ]
        for (before, after) in places {
            guard text.contains(before) else { throw TestFailure("the example has no \(before)") }
            text = text.replacingOccurrences(of: before, with: after)
        }
        let configuration = """
            load_module /usr/lib/nginx/modules/ngx_stream_module.so;
            daemon off;
            master_process off;
            pid \(file("\(name).pid"));
            error_log \(file("\(name).log")) info;
            events {}
            stream {
            \(text)
            }
            """
        try directory.write("\(name).conf", configuration)
        let arguments = ["-c", file("\(name).conf"), "-e", file("\(name).log"), "-p", directory.path]
        processes.append(try TestProcess("nginx", arguments, log: file("\(name).out")))
        let socket = file("\(name).sock")
        guard Wait.until(seconds: 5, { FileManager.default.fileExists(atPath: socket) }) else {
            throw TestFailure("nginx did not start: \(directory.read("\(name).out")) \(directory.read("\(name).log"))")
        }
        return socket
    }

    func log(_ name: String) -> String { directory.read("\(name).log") }

    deinit {
        for process in processes { process.stop() }
    }
}

struct RedisTLSTests {
    private let greeting = RedisGreeting(scripts: ScriptCatalog())

    @Test("Through the example a worker's connection works, over TLS with both certificates checked")
    func works() throws {
        let site = try TLSSite()
        let socket = try site.proxy("good", expecting: "redis.example.org")
        let bench = try RedisBench(path: socket, timing: briskTiming(), greeting: greeting)
        try bench.openAndWait()
        #expect(try bench.command("SET", "key", "value") == .status("OK"))
        #expect(try bench.command("GET", "key") == .bytes(Array("value".utf8)))
        let big = [UInt8](repeating: 7, count: 300_000)
        #expect(try bench.command("SET", "big", RedisArgument(big)) == .status("OK"))
        #expect(try bench.command("GET", "big") == .bytes(big))
        #expect(bench.connection.connectionCount == 1)
        // Redis itself says that this client came over TLS and that it takes nothing else.
        let plain = try TestProcess.output("redis-cli", ["-p", "\(site.port)", "PING"])
        #expect(!plain.text.contains("PONG"))
    }

    @Test(
        "A certificate of another authority, for another name, or a stranger's own, ends it before a command is run",
        arguments: [
            ("authority", "redis.example.org", "other-ca", "client", "certificate verify"),
            ("name", "redis.example.com", "ca", "client", "certificate does not match"),
            ("stranger", "redis.example.org", "ca", "stranger", "alert"),
        ]
    )
    func refused(_ name: String, _ expecting: String, _ authority: String, _ client: String, _ said: String) throws {
        let site = try TLSSite()
        let socket = try site.proxy(name, expecting: expecting, authority: authority, client: client)
        let bench = try RedisBench(path: socket, timing: briskTiming(), greeting: greeting)
        bench.connection.open()
        bench.run(seconds: 3) { bench.connection.attemptCount >= 3 }
        #expect(bench.connection.attemptCount >= 3)
        #expect(bench.readyChanges.isEmpty && !bench.connection.isReady)
        #expect(site.log(name).contains(said), "\(site.log(name))")
    }
}
