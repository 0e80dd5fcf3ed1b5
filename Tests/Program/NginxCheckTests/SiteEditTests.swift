// SPDX-License-Identifier: Apache-2.0
//
// Goal: `vestibule install` adds its lines to the block they are meant for, whatever shares its lines and its file.

import NginxCheck
import Testing

@Suite struct SiteEditTests {
    /// The text with a line behind the brace of each server, and of http.
    private func edited(_ text: String) throws -> SiteEdit {
        let configuration = try NginxReader.parse(text, file: "nginx.conf")
        let http = try #require(configuration.first { $0.name == "http" })
        var edit = SiteEdit(file: "nginx.conf", text: text)
        for server in http.children("server") { try edit.insert(["include s;"], into: server) }
        try edit.insert(["include h;"], into: http)
        return edit
    }

    @Test func `each of several servers in one file gets its lines, also when its block begins in one line`() throws {
        let edit = try edited(
            """
            http {
              server { listen 1; location /a { root /a; } }
              server { listen 2; location /b { root /b; } }
              server
              {
                listen 3;
              }
            }
            """
        )
        let lines = """
            http {
                include h;
              server {
                  include s;
                  listen 1; location /a { root /a; } }
              server {
                  include s;
                  listen 2; location /b { root /b; } }
              server
              {
                  include s;
                listen 3;
              }
            }
            """
        #expect(edit.after == lines)
        #expect(edit.diff.hasPrefix("--- nginx.conf\n+++ nginx.conf\n@@ -1,8 +1,14 @@\n http {\n-  server { listen 1;"))
        #expect(edit.diff.hasSuffix("\n+  {\n+      include s;\n     listen 3;\n   }\n }"))
    }

    @Test func `blocks that begin in the same line are kept apart`() throws {
        let edit = try edited("http { server { listen 1; } }\n")
        #expect(edit.after == "http {\n    include h;\n    server {\n    include s;\n    listen 1; } }\n")
    }
}
