// SPDX-License-Identifier: Apache-2.0
//
// The site's own directives, which nginx would inherit into our locations, change none of our answers: not the API's,
// not the gate's, not the pages that say what is wrong.

import NginxFiles
import Testing

@Suite(.serialized) struct IsolationTests {
    private typealias Verifier = NginxConfiguration.Verifier

    /// Lines at server level, each of which changed an answer or kept a visitor from it.
    static let lines = [
        "add_header Content-Security-Policy \"default-src 'none'\" always; add_header X-Site 1 always;",
        "expires 1h;", "charset utf-8; charset_types application/json text/html;",
        "gzip on; gzip_types application/json; gzip_min_length 0;",
        "sub_filter_types *; sub_filter VESTIBULE broken; sub_filter_once off; sub_filter error broken;",
        "error_page 404 405 413 429 502 503 504 =200 /broken;", "recursive_error_pages off;",
        "fastcgi_intercept_errors on; error_page 400 401 404 =200 /broken;",
        "fastcgi_ignore_headers Set-Cookie Cache-Control X-Accel-Redirect;", "fastcgi_hide_header X-Pid;",
        "fastcgi_cache vestibule_board; fastcgi_cache_key one; fastcgi_cache_valid any 1m; fastcgi_cache_methods POST;",
        "fastcgi_store /dev/null;", "fastcgi_buffering off;", "fastcgi_force_ranges on;",
        "fastcgi_buffers 2 4k; fastcgi_busy_buffers_size 4k; fastcgi_buffer_size 4k;", "fastcgi_max_temp_file_size 0;",
        "fastcgi_param VESTIBULE_OPERATION gate; fastcgi_pass_request_body off;",
        "auth_request /never;", "client_max_body_size 1;", "limit_rate 1;", "ssi on; ssi_types *;", "mirror /never;",
        "add_before_body /never; addition_types *;", "types { text/broken png; } default_type text/broken;",
        "limit_req zone=site;", "fastcgi_bind 127.0.0.1;", "userid on; userid_service 1;", "slice 1k;",
        "client_body_in_file_only on;", "dav_methods PUT DELETE;",
    ]

    /// What keeps visitors out of the whole server, and therefore from the gate; but not from the API.
    private static let access = [
        "auth_basic site; auth_basic_user_file /dev/null;", "deny all;", "satisfy any; deny all;",
    ]

    private struct Ask {
        let path: String
        var headers: [String] = []
        var curl: [String] = []
    }

    private static let asks = [
        Ask(path: "/api/v1/queue/status?token=t"), Ask(path: "/api/v1/queue/status?token=other"),
        Ask(path: "/api/v1/queue/join", curl: ["-d", #"{"event_id":"demo"}"#]),
        Ask(path: "/api/v1/queue/enter", curl: ["-d", "{}"]), Ask(path: "/api/v1/queue/leave", curl: ["-X", "DELETE"]),
        Ask(path: "/api/v1/queue/board", curl: ["-d", ""]), Ask(path: "/api/v1/queue/status", curl: ["-I"]),
        Ask(path: "/api/v1/queue/join", curl: ["-d", String(repeating: "b", count: 17_000)]),
        Ask(path: "/_vestibule/vestibule.js", curl: ["-X", "PUT", "-d", "x"]),
        Ask(path: "/_vestibule/healthz"), Ask(path: "/page.png", headers: ["Accept: text/html"]),
        Ask(path: "/page", curl: ["-d", "a body"]), Ask(path: "/page", headers: ["Range: bytes=0-3"]),
        Ask(path: "/page?refuse=503"), Ask(path: "/page?refuse=404"),
        Ask(path: "/page", headers: ["Cookie: ask=refuse", "Transfer-Encoding: chunked"], curl: ["-d", "b"]),
        Ask(path: "/page", headers: ["Cookie: ask=refuse", "Expect: 100-continue"], curl: ["-d", "b"]),
        Ask(path: "/page", headers: ["Cookie: ask=limit", "Transfer-Encoding: chunked"], curl: ["-d", "b"]),
    ]

    /// Status, headers and body, without what differs from one time to the next.
    private func answers(_ site: Site) throws -> [String] {
        try Self.asks.map { ask in
            let response = try site.request(ask.path, headers: ask.headers, curl: ask.curl + ["--raw"])
            let headers = response.headers.filter { !$0.hasPrefix("Date:") && !$0.hasPrefix("ETag:") }.sorted()
            let text = ([ask.path] + headers + [response.body]).joined(separator: "\n")
            return text.replacing(/"pid": [0-9]+/, with: "").replacing(/[0-9a-f]{32}/, with: "")
                .replacing(/Content-Length: [0-9]+|127.0.0.1:[0-9]+/, with: "")
        }
    }

    private func site(
        _ line: String,
        _ verifier: NginxConfiguration.Verifier,
        obeysServerAccess: Bool = true
    ) throws -> Site {
        let more = "location = /never { return 403; } location = /broken { return 200 broken; }"
        return try Site.guarded(verifier, with: "\(line) \(more)") { $0.obeysServerAccess = obeysServerAccess }
    }

    @Test(arguments: [NginxConfiguration.Verifier.njs, .authRequest])
    func nothingThatTheSiteInheritsChangesOurAnswers(verifier: NginxConfiguration.Verifier) throws {
        let plain = try answers(site("", verifier))
        #expect(plain.allSatisfy { !$0.contains("broken") })
        for line in Self.lines {
            let found = try answers(site(line, verifier))
            for (before, after) in zip(plain, found) { #expect(before == after, "\(line)") }
        }
        for line in Self.access {
            let found = try answers(site(line, verifier))
            for (before, after) in zip(plain, found) where !before.hasPrefix("/page") {
                #expect(before == after, "\(line)")
            }
            let open = try answers(site(line, verifier, obeysServerAccess: false))
            for (before, after) in zip(plain, open) { #expect(before == after, "\(line)") }
        }
    }

    @Test func withoutWorkersOurOwnPagesComeWhateverTheSiteInherits() throws {
        for line in ["", "error_page 502 503 504 =200 /broken; add_header X-Site 1 always; expires 1h;"] {
            let site = try site(line, .authRequest)
            site.endWorkers()
            for path in ["/page.png", "/api/v1/queue/status"] {
                let response = try site.request(path, headers: ["Accept: text/html", site.goodPass()])
                #expect(response.status == 503 && response.values(of: "Retry-After") == ["5"], "\(line) \(path)")
                #expect(response.values(of: "Cache-Control") == ["no-store"] && response.values(of: "X-Site").isEmpty)
                let type = path == "/page.png" ? "text/html; charset=utf-8" : "application/json"
                #expect(response.values(of: "Content-Type") == [type], "\(line)")
            }
            #expect(try site.log("backend.log").isEmpty)
        }
    }
}
