// SPDX-License-Identifier: Apache-2.0
//
// What crossplane does not know: files in a dump, includes by nginx's rule, and Lua's long brackets.

import NginxCheck
import Testing

@Suite struct ReaderTests {
    private func dump(_ files: (path: String, text: String)...) -> String {
        files.map { "# configuration file \($0.path):\n\($0.text)\n" }.joined()
    }

    @Test func `includes are relative to the main file, sorted, and hidden files are left out`() throws {
        let text = dump(
            ("/etc/nginx/nginx.conf", "include conf.d/*.conf; http { include sub/a.conf; }"),
            ("/etc/nginx/conf.d/b.conf", "user b;"),
            ("/etc/nginx/conf.d/B.conf", "user B;"),
            ("/etc/nginx/conf.d/.hidden.conf", "user hidden;"),
            ("/etc/nginx/conf.d/deep/c.conf", "user c;"),
            ("/etc/nginx/sub/a.conf", "# first\ninclude sub/b.conf;"),
            ("/etc/nginx/sub/b.conf", "\n\nserver { }")
        )
        let read = try NginxReader.read(dump: "nginx: test is successful\n" + text)
        #expect(read.filter { $0.name == "user" }.map(\.arguments) == [["B"], ["b"]])
        let http = try #require(read.first { $0.name == "http" })
        let server = try #require(http.children("server").first)
        #expect(server.file == "/etc/nginx/sub/b.conf" && server.line == 3)
    }

    @Test func `a file that includes itself is an error with its place`() {
        let text = dump(("/n/nginx.conf", "include a.conf;"), ("/n/a.conf", "\ninclude a.conf;"))
        let error = #expect(throws: NginxSyntaxError.self) { try NginxReader.read(dump: text) }
        #expect(error?.description == "/n/a.conf:2: /n/a.conf includes itself")
    }

    @Test func `Lua's long brackets, strings and comments hide braces`() throws {
        let text = "access_by_lua_block {\n--[==[ } ]] ]==] local a = [[ } ]] -- }\n local b = t[1] .. '\\'}' } user x;"
        let read = try NginxReader.parse(text, file: "x")
        #expect(read.map(\.name) == ["access_by_lua_block", "user"])
        #expect(read[1].line == 3)
    }

    @Test(arguments: ["a", "a {", "}", "a \"x", "a \"x\"y;", "{}", ";", "a b }", "a_by_lua_block { ' }", "a \\"])
    func `what nginx refuses is an error`(_ text: String) {
        #expect(throws: NginxSyntaxError.self) { try NginxReader.parse(text, file: "x") }
    }
}
