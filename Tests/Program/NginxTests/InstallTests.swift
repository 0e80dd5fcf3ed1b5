// SPDX-License-Identifier: Apache-2.0
//
// `vestibule install` on a plain site in a directory of its own: nothing without --apply, everything with it, and
// `uninstall` gives back the old files to the byte. The time of an installation is recorded.

import Foundation
import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct InstallTests {
    /// A root with Debian's layout: a site that sites-enabled links to.
    private final class Plain {
        let directory: TemporaryDirectory
        var site: String { directory.file("etc/nginx/sites-available/shop") }
        var main: String { directory.file("etc/nginx/nginx.conf") }

        init(_ extra: String = "", modules: [String] = ["ndk_http_module", "ngx_http_lua_module"]) throws {
            directory = try TemporaryDirectory()
            for name in ["sites-available", "sites-enabled", "conf.d"] {
                try FileManager.default.createDirectory(
                    atPath: directory.file("etc/nginx/\(name)"),
                    withIntermediateDirectories: true
                )
            }
            let loads = modules.map { "load_module /usr/lib/nginx/modules/\($0).so;" }.joined(separator: "\n")
            try directory.write(
                "etc/nginx/nginx.conf",
                """
                \(loads)
                pid \(directory.file("nginx.pid"));
                error_log \(directory.file("error.log"));
                events {}
                http
                {
                    access_log off;
                    include \(directory.path)/etc/nginx/sites-enabled/*;
                }

                """
            )
            try directory.write(
                "etc/nginx/sites-available/shop",
                """
                # A shop.
                server { listen 127.0.0.1:1; server_name shop.test;
                    location / { root /srv; }
                    location ~ \\.php$ { proxy_pass http://127.0.0.1:9; }
                }
                server { listen 127.0.0.1:2; server_name shop.test; return 301 https://shop.test$request_uri; }
                \(extra)
                """
            )
            try FileManager.default.createSymbolicLink(
                atPath: directory.file("etc/nginx/sites-enabled/shop"),
                withDestinationPath: "../sites-available/shop"
            )
        }

        func run(_ words: String...) throws -> (status: Int32, text: String) {
            try TestProcess.output(try Product.vestibule(), words + ["--root", directory.path])
        }

        /// Every file and link with its content.
        func files() throws -> [String: String] {
            let paths =
                FileManager.default.enumerator(atPath: directory.path)?.allObjects.compactMap { $0 as? String } ?? []
            return Dictionary(
                uniqueKeysWithValues: paths.filter { !$0.hasSuffix("error.log") && !$0.hasSuffix("nginx.pid") }.map {
                    ($0, directory.read($0))
                }
            )
        }
    }

    @Test func aPlainSiteIsProtectedAndGivenBack() throws {
        let plain = try Plain()
        let before = try plain.files()
        let dry = try plain.run("install", "--verifier", "lua")
        #expect(dry.status == 0, "\(dry.text)")
        #expect(dry.text.contains("+    include \(plain.directory.path)/etc/nginx/vestibule/vestibule-guard.conf;"))
        #expect(dry.text.contains("nothing was changed"))
        #expect(try plain.files() == before)

        let clock = ContinuousClock()
        let started = clock.now
        let done = try plain.run("install", "--verifier", "lua", "--apply")
        #expect(done.status == 0, "\(done.text)")
        Attachment.record("install --apply: \(clock.now - started)\n", named: "install.txt")
        #expect(clock.now - started < .seconds(60))
        let check = try TestProcess.output(
            try Product.vestibule(),
            ["nginx", "check", "-c", plain.main]
        )
        #expect(check.status == 0, "\(check.text)")
        let mode = try FileManager.default.attributesOfItem(atPath: plain.directory.file("etc/vestibule/keys.json"))
        #expect(mode[.posixPermissions] as? Int == 0o600, "systemd hands it to the service")
        #expect(plain.directory.read("etc/systemd/system/vestibule.service") == Self.unit)
        let link = plain.directory.file("etc/nginx/sites-enabled/shop")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "../sites-available/shop")
        #expect(try plain.run("install", "--verifier", "lua").text.contains("INSTALLED_ALREADY"))

        let back = try plain.run("uninstall")
        #expect(back.status == 0, "\(back.text)")
        #expect(try plain.files() == before)
        #expect(try plain.run("uninstall").text.contains("NOT_INSTALLED"))
    }

    private static let unit =
        (try? String(contentsOfFile: "\(Repository.root)/deploy/vestibule.service", encoding: .utf8)) ?? "none"

    @Test func whatNginxRefusesIsTakenBack() throws {
        // Without the module nginx cannot take the verifier.
        let plain = try Plain(modules: [])
        let before = try plain.files()
        let refused = try plain.run("install", "--verifier", "lua", "--apply")
        #expect(refused.status != 0 && refused.text.contains("NGINX_REFUSES"), "\(refused.text)")
        #expect(try plain.files() == before)
    }

    @Test func whatWasChangedSinceStays() throws {
        let plain = try Plain()
        #expect(try plain.run("install", "--verifier", "lua", "--apply").status == 0)
        let changed = plain.directory.read("etc/nginx/sites-available/shop") + "# mine\n"
        try plain.directory.write("etc/nginx/sites-available/shop", changed)
        let yaml = plain.directory.read("etc/vestibule/vestibule.yaml") + "# mine\n"
        try plain.directory.write("etc/vestibule/vestibule.yaml", yaml)
        let back = try plain.run("uninstall")
        #expect(back.status != 0 && back.text.contains("CHANGED_SINCE"), "\(back.text)")
        #expect(plain.directory.read("etc/nginx/sites-available/shop") == changed)
        #expect(plain.directory.read("etc/vestibule/vestibule.yaml") == yaml)
        #expect(!plain.directory.read("etc/nginx/nginx.conf").contains("vestibule-http"))
    }

    @Test func whichServerIsAsked() throws {
        let plain = try Plain("server { listen 127.0.0.1:3; server_name blog.test; location / { root /srv; } }")
        #expect(try plain.run("install", "--verifier", "lua").text.contains("WHICH_SERVER"))
        #expect(try plain.run("install", "--verifier", "lua", "--host", "none.test").text.contains("NO_SERVER"))
        let one = try plain.run("install", "--verifier", "lua", "--host", "blog.test")
        #expect(one.status == 0 && one.text.contains("hosts") == false, "\(one.text)")
        let both = try plain.run("install", "--verifier", "lua", "--host", "blog.test", "--apply")
        #expect(both.status == 0, "\(both.text)")
        #expect(plain.directory.read("etc/vestibule/vestibule.yaml").contains(#"hosts: ["blog.test"]"#))
        let site = plain.directory.read("etc/nginx/sites-available/shop")
        #expect(site.components(separatedBy: "vestibule-guard.conf").count == 2)
    }
}
