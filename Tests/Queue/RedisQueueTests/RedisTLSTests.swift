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
    private var redis: TestProcess?
    private var proxies: [TestNginx] = []

    init() throws {
        directory = try TemporaryDirectory()
        port = try Loopback.freePort()
        for authority in ["ca", "other-ca"] { try makeAuthority(authority) }
        try makeCertificate("server", signedBy: "ca", name: "redis.example.org")
        try makeCertificate("client", signedBy: "ca", name: "vestibule")
        try makeCertificate("stranger", signedBy: "other-ca", name: "vestibule")
        redis = try TestProcess(
            "redis-server",
            [
                "--port", "0", "--tls-port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", directory.path,
                "--tls-cert-file", file("server.crt"), "--tls-key-file", file("server.key"),
                "--tls-ca-cert-file", file("ca.crt"), "--tls-auth-clients", "yes",
            ],
            log: file("redis.log")
        )
        guard Wait.until(seconds: 5, { Loopback.connects(port: self.port) }) else {
            throw TestFailure("no Redis with TLS: \(directory.read("redis.log"))")
        }
    }

    private func file(_ name: String) -> String { directory.file(name) }

    private func openssl(_ words: String, _ files: [String]) throws {
        let result = try TestProcess.output("openssl", words.split(separator: " ").map(String.init) + files)
        if result.status != 0 { throw TestFailure("openssl \(words): \(result.text)") }
    }

    private let newKey = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

    private func makeAuthority(_ name: String) throws {
        let files = ["-keyout", file("\(name).key"), "-out", file("\(name).crt")]
        try openssl("\(newKey) -x509 -days 2 -subj /CN=\(name)", files)
    }

    private func makeCertificate(_ file: String, signedBy authority: String, name: String) throws {
        let (base, ca) = (self.file(file), self.file(authority))
        let requested = ["-keyout", "\(base).key", "-out", "\(base).csr"]
        try openssl("\(newKey) -subj /CN=\(name) -addext subjectAltName=DNS:\(name)", requested)
        let signed = ["-in", "\(base).csr", "-CA", "\(ca).crt", "-CAkey", "\(ca).key", "-out", "\(base).crt"]
        try openssl("x509 -req -CAcreateserial -days 2 -copy_extensions copy", signed)
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
        let socket = file("\(name).sock")
        proxies.append(
            try TestNginx(
                in: directory,
                named: name,
                modules: ["ngx_stream_module"],
                ports: 0,
                errorLog: ("\(name).log", "info"),
                context: "stream",
                isReady: { _ in (try? TestSocket(path: socket)) != nil },
                { _ in text }
            )
        )
        return socket
    }

    deinit {
        for proxy in proxies { proxy.stop() }
        redis?.stop()
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
        // Twice: once it may be about the connection that waited for nginx.
        try site.directory.read("\(name).log", onceItHolds: said, times: 2)
    }
}
