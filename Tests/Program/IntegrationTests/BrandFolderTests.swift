// SPDX-License-Identifier: Apache-2.0
//
// Goal: an operator makes the page the site's own with a folder, and learns what is wrong with it.
// Method: `vestibule check-config` and `page preview` over a configuration whose room has a folder.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct BrandFolderTests {
        private func run(_ folder: TemporaryDirectory, _ words: String...) throws -> (status: Int32, text: String) {
            try TestProcess.output(try Product.vestibule(), words + ["--config", folder.file("vestibule.yaml")])
        }

        @Test func `a folder beside the file is in the page, and what is wrong with it is said with its line`() throws {
            let folder = try TemporaryDirectory()
            try folder.write("vestibule.yaml", "rooms:\n  demo:\n    page: page\n")
            let missing = try run(folder, "check-config", "--skip-keys")
            #expect(missing.status != 0 && missing.text.contains("page/brand.yaml"), "\(missing.text)")
            try FileManager.default.createDirectory(atPath: folder.file("page"), withIntermediateDirectories: true)
            let good = "accent: \"#b3005e\"\nlogo: logo.svg\nlogo_text: Example\ntexts: {en: {queued: In line}}\n"
            try folder.write("page/brand.yaml", good)
            #expect(try run(folder, "check-config", "--skip-keys").text.contains("logo.svg"), "it is not there")
            let logo = #"<svg xmlns="http://www.w3.org/2000/svg"/>"#
            try folder.write("page/logo.svg", logo + String(repeating: " ", count: 16_384))
            #expect(try run(folder, "check-config", "--skip-keys").text.contains("1 to 16384 bytes"))
            try folder.write("page/logo.svg", logo)
            #expect(try run(folder, "check-config", "--skip-keys").status == 0)
            let output = folder.file("preview")
            let shown = try run(folder, "page", "preview", "--language", "en", "--state", "waiting", "--output", output)
            #expect(shown.status == 0, "\(shown.text)")
            let page = folder.read("preview/waiting.en.html")
            #expect(page.contains("In line") && page.contains("#b3005e"))
            #expect(page.contains(#"src="data:image/svg+xml;base64,PHN2ZyB4bWxucz0i"#))
            try folder.write("page/brand.yaml", "accent: \"#b3005e\"\ntexts: {en: {quued: In line}}\n")
            let bad = try run(folder, "check-config", "--skip-keys")
            #expect(bad.status != 0 && bad.text.contains("line 2") && bad.text.contains("quued"), "\(bad.text)")
        }

        @Test func `HTML of the operator's own needs no brand, and what is wrong with it is said with its line`() throws
        {
            let folder = try TemporaryDirectory()
            try folder.write("vestibule.yaml", "rooms:\n  demo:\n    page: page\n")
            try FileManager.default.createDirectory(atPath: folder.file("page"), withIntermediateDirectories: true)
            let page = "<!doctype html>\n<html><head><title>Own</title></head>\n<body>\n<h1>Ours</h1>\n</body></html>\n"
            try folder.write("page/page.mustache", page)
            #expect(try run(folder, "check-config", "--skip-keys").status == 0)
            let output = folder.file("preview")
            let shown = try run(folder, "page", "preview", "--language", "en", "--output", output)
            #expect(shown.status == 0, "\(shown.text)")
            let names = try FileManager.default.contentsOfDirectory(atPath: output).filter { $0 != "index.html" }
            #expect(names.count >= 20)
            for name in names { #expect(folder.read("preview/\(name)").contains("<h1>Ours</h1>"), "\(name)") }
            try folder.write("page/page.mustache", page.replacing("<h1>Ours", with: "{{{status}}}<h1>Ours"))
            let bad = try run(folder, "check-config", "--skip-keys")
            #expect(bad.status != 0 && bad.text.contains("PAGE_PART_MISSING") && bad.text.contains("line 5"))
            #expect(bad.text.contains("{{{form}}}, {{{actions}}}, {{{noscript}}}"), "\(bad.text)")
        }
    }
}
