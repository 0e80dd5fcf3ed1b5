// SPDX-License-Identifier: Apache-2.0
//
// `vestibule nginx check` on the whole product: silent on the demo, and loud when its files, keys or answers are wrong.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct CheckCommandTests {
    private func check(_ stack: DemoStack, _ options: String...) throws -> (status: Int32, text: String) {
        try TestProcess.output(
            try Product.vestibule(),
            ["nginx", "check", "-c", stack.directory.file("nginx.conf")] + options
        )
    }

    @Test func `the demo is closed, and what is done to it is found`() throws {
        let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 1}")
        let (status, text) = try check(stack, "--probe", "auto", "--strict")
        #expect(status == 0 && text == "", "\(text)")
        #expect(try check(stack, "--json").text == "[]\n")

        let keys = stack.directory.file("keys.json")
        #expect(chmod(keys, 0o644) == 0)
        let readable = try check(stack, "--json")
        #expect(readable.status == 1)
        #expect(readable.text.hasPrefix(#"[{"severity":"open","file":"\#(keys)","line":0,"message":"everybody"#))
        #expect(chmod(keys, 0o640) == 0)

        var later = [timeval(tv_sec: time(nil) + 100, tv_usec: 0), timeval(tv_sec: time(nil) + 100, tv_usec: 0)]
        #expect(utimes(keys, &later) == 0)
        let stale = try check(stack)
        #expect(stale.status == 0 && stale.text.hasPrefix("\(keys): warning: changed "), "\(stale)")
        #expect(try check(stack, "--strict").status == 1)

        #expect(chmod(stack.directory.file("nginx"), 0o777) == 0)
        #expect(try check(stack).text.contains("nginx: open: everybody on this machine can make or replace files here"))
    }

    @Test func `a site that answers a protected path is found by asking`() throws {
        let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 1}")
        let site = try TestNginx(in: try TemporaryDirectory()) { ports in
            "server { listen 127.0.0.1:\(ports[0]); location / { return 200 'the site'; } }"
        }
        let lines = stack.directory.read("nginx.conf").split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.contains("location / {") }) + 1
        let (status, text) = try check(stack, "--probe", "http://127.0.0.1:\(site.port)")
        #expect(status == 1)
        let place =
            "\(stack.directory.file("nginx.conf")):\(line): open: without a pass 127.0.0.1:\(site.port)/ is answered"
        #expect(text.hasPrefix(place), "\(text)")
        site.stop()
        #expect(try check(stack, "--probe", "http://127.0.0.1:\(site.port)").text.contains("no answer"))
    }

    @Test func `the probe speaks TLS and knows an API at another place`() throws {
        let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 1}\napi_prefix: /line")
        let (status, text) = try check(stack, "--probe", "auto", "--strict")
        #expect(status == 0 && text == "", "\(text)")
        #expect(try check(stack, "--probe", "https://127.0.0.1:\(stack.tlsPort)", "--strict").text == "")
        let directory = try TemporaryDirectory()
        let certificate = [stack.directory.file("tls.crt"), stack.directory.file("tls.key")]
        let site = try TestNginx(in: directory) { ports in
            """
            server {
                listen 127.0.0.1:\(ports[0]) ssl;
                ssl_certificate \(certificate[0]); ssl_certificate_key \(certificate[1]);
                location / { return 200 'the site'; }
            }
            """
        }
        let open = try check(stack, "--probe", "https://127.0.0.1:\(site.port)")
        #expect(open.status == 1 && open.text.contains("is answered by the site: HTTP/1.1 200 OK"), "\(open.text)")
    }

    @Test func `an nginx that refuses its configuration is an error with nginx's words`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("nginx.conf", "events { } http { nonsense; }")
        let path = directory.file("nginx.conf")
        let (status, text) = try TestProcess.output(try Product.vestibule(), ["nginx", "check", "-c", path])
        #expect(status == 1)
        #expect(text.contains("NGINX_REFUSES") && text.contains("nonsense"), "\(text)")
    }
}
