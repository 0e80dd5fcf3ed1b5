// SPDX-License-Identifier: Apache-2.0
//
// What a room's page looks like, as brand.yaml says it.

import Admission
import Configuration
import Testing

struct BrandTests {
    private func brand(_ yaml: String) throws -> (brand: PageBrand, logoFile: String?) {
        try Configuration.brand(yaml: yaml, languages: ["en", "ko"])
    }

    @Test("Every value is read, and an empty file changes nothing")
    func values() throws {
        #expect(try brand("").brand == PageBrand())
        let read = try brand(
            """
            accent: "#B3005E"
            accent_dark: "#ff8ac4"
            logo: logo.svg
            logo_text: Example & Co
            texts:
              en: {title: Example, queued: 'You are "in line"'}
              ko: {leave: 나가기}
            """
        )
        #expect(read.brand.accent == "#b3005e" && read.brand.darkAccent == "#ff8ac4" && read.logoFile == "logo.svg")
        #expect(read.brand.logoText == "Example & Co" && read.brand.text("title", "en") == "Example")
        #expect(read.brand.text("leave", "ko") == "나가기" && read.brand.text("leave", "en") == nil)
        let longest = String(repeating: "x", count: 300)
        #expect(try brand("texts: {en: {title: \(longest)}}").brand.text("title", "en") == longest)
    }

    @Test(
        "A bad value is refused with its line",
        arguments: [
            ("accent: red", "must be a colour such as"), ("accent: \"#fff\"", "must be a colour"),
            ("accent: \"#ffffff\"", "the contrast of #ffffff is 1.0 to 1; words need 4.5 to 1"),
            ("accent: \"#888888\"", "is 3.5 to 1"), ("accent_dark: \"#1f5fd6\"", "words need 4.5 to 1"),
            ("logo: ../logo.svg", "the name of an svg, png or webp"), ("logo: logo.gif", "the name of an svg"),
            ("logo: svg", "the name of an svg"), ("logo: logo.svg", "logo_text must say"),
            ("logo_text: \"a<b\"", "without < and {{"), ("texts: {xx: {title: a}}", "xx is none of en, ko"),
            ("texts: {en: {titel: a}}", "titel is none of title, queued"),
            ("texts: {en: {title: \"{{ROOM}}\"}}", "without <"),
            ("texts: {en: {title: \"a\\nb\"}}", "on one line"), ("colour: red", "unknown key colour in brand.yaml"),
            ("accent: [", ""), ("- a", "must be a mapping"),
            ("texts: {en: {title: \(String(repeating: "x", count: 301))}}", "at most 300 bytes"),
        ]
    )
    func refused(_ yaml: String, _ reason: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try brand("# a comment\n\(yaml)\n") }
        #expect(error.message.contains(reason), "\(error)")
    }
}
