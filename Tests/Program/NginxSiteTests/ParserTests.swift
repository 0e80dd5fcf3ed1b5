// SPDX-License-Identifier: Apache-2.0
//
// Goal: a configuration is read as nginx reads it: quotes, comments, escapes, braces in words and in Lua, includes.

import Foundation
import NginxSite
import TestSupport
import Testing

/// A dump with one file, or with others beside it, as `nginx -T` prints it.
func dump(_ main: String, _ files: [(name: String, text: String)] = []) throws -> NginxDump {
    let all = [("/etc/nginx/nginx.conf", main)] + files.map { ($0.name, $0.text) }
    return try NginxDump(text: all.map { "# configuration file \($0.0):\n\($0.1)\n" }.joined(separator: "\n"))
}

@Suite struct ParserTests {
    private func read(_ text: String) throws -> [NginxDirective] { try dump(text).directives }

    @Test func `words, quotes, escapes and comments are those of nginx`() throws {
        let found = try read(
            #"""
            user www-data;   # a comment; with a semicolon
            log_format main '$remote_addr - "$request"' "a\"b\\c\td" plain#notacomment;
            map $a $b { ~^/x\.y$ 1; "a;b" 2; default ${c}d; }
            set $d "";
            rewrite ^/(a{2,3})$ /$1 last;
            """#.replacingOccurrences(of: "a{2,3}", with: "a+")
        )
        #expect(found.map(\.name) == ["user", "log_format", "map", "set", "rewrite"])
        #expect(found[1].arguments == ["main", #"$remote_addr - "$request""#, "a\"b\\c\td", "plain#notacomment"])
        #expect(found[2].block?.map(\.name) == [#"~^/x\.y$"#, "a;b", "default"])
        #expect(found[2].block?[2].arguments == ["${c}d"])
        #expect(found[3].arguments == ["$d", ""])
        #expect(found.map(\.line) == [1, 2, 3, 4, 5])
    }

    @Test func `a Lua block ends at its own brace`() throws {
        let found = try read(
            """
            content_by_lua_block {
              local t = { a = "}" } -- }
              --[==[ } ]] ]==]
              local s = [[ } ]]; ngx.say('{', t, s)
            }
            user x;
            """
        )
        #expect(found.map(\.name) == ["content_by_lua_block", "user"])
        #expect(found[1].line == 6)
    }

    @Test func `includes come in the place and order in which nginx takes them`() throws {
        let site = try dump(
            "http { include sites/*.conf; include /srv/[ab]?.conf; }",
            [
                ("/etc/nginx/sites/b.conf", "server { listen 2; }"),
                ("/etc/nginx/sites/a.conf", "server { listen 1; }"),
                ("/etc/nginx/sites/deep/c.conf", "server { listen 9; }"), ("/srv/a1.conf", "gzip on;"),
                ("/srv/c1.conf", "gzip off;"),
            ]
        )
        let http = try #require(site.directives[0].block)
        #expect(http.map(\.name) == ["include", "server", "server", "include", "gzip"])
        #expect(http[1].file == "/etc/nginx/sites/a.conf")
        #expect(http[4].arguments == ["on"])
    }

    @Test(arguments: [
        ("a", "/etc/nginx/nginx.conf:1: a directive does not end with ; or {"),
        ("a {\n b;", "/etc/nginx/nginx.conf:1: a block is not closed"), ("}", "/etc/nginx/nginx.conf:1: unexpected }"),
        (";", "/etc/nginx/nginx.conf:1: unexpected ;"), ("a 'b;", "/etc/nginx/nginx.conf:1: a quote is not closed"),
        ("\na 'b'c;", "/etc/nginx/nginx.conf:2: a space, ;, { or ) must follow the quote"),
        (String(repeating: "a{", count: 100), "/etc/nginx/nginx.conf:1: blocks nest too deep"),
    ])
    func brokenTextIsNamed(_ text: String, _ reason: String) {
        do {
            _ = try read(text)
            Issue.record("\(text) was read")
        } catch {
            #expect("\(error)".hasPrefix(reason), "\(error)")
        }
    }
}
