// SPDX-License-Identifier: Apache-2.0
//
// A page with colours, a logo and sentences of its room, beside a page that has none.

import Admission
import Crypto
import GatewayWire
import Passes
import TestSupport
import Testing
import WaitingRoomAPI

struct BrandTests {
    private func brand() -> PageBrand {
        var brand = PageBrand()
        brand.accent = "#b3005e"
        brand.logo = "data:image/png;base64,AAAA"
        brand.logoText = "Tom & \"Co\""
        brand.texts = ["en": ["title": "Tom & Co", "queued": "In line \"now\"", "leave": "Give up"]]
        return brand
    }

    @Test("The page has its room's colours, logo and sentences, and the style is the one that its policy allows")
    func branded() throws {
        let bench = try WaitingRoomBench(rooms: ["other"])
        bench.room.settings.web.brand = brand()
        try bench.fill()
        let answer = try bench.gate()
        #expect(answer.text.contains("<title>Tom &amp; Co</title>"))
        #expect(answer.text.contains("<h1 id=\"heading\">In line &quot;now&quot;</h1>"))
        #expect(answer.text.contains(#""heading":"In line \"now\"""#), "for the script")
        #expect(answer.text.contains(">Give up</button>") && answer.text.contains("Estimated wait"))
        #expect(
            answer.text.contains(#"<img id="logo" src="data:image/png;base64,AAAA" alt="Tom &amp; &quot;Co&quot;">"#)
        )
        let start = try #require(answer.text.firstRange(of: "<style>")).upperBound
        let end = try #require(answer.text.firstRange(of: "</style>")).lowerBound
        let style = String(answer.text[start..<end])
        #expect(style.contains("--accent: #b3005e"))
        let digest = Base64URL.encodeString(Array(SHA256.hash(data: Array(style.utf8))))
        let letters = String(digest.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        #expect(answer["Content-Security-Policy"]?.contains("style-src 'sha256-\(letters)=';") == true)

        let korean = try bench.gate([(.acceptLanguage, "ko")])
        #expect(korean.text.contains("대기 중입니다") && korean.text.contains("#b3005e"), "what is not named stays")
        bench.room.settings.web.brand = nil
        #expect(try !bench.gate().text.contains("#b3005e"), "a reload has taken the folder away")
        var other = brand()
        other.texts = [:]
        bench.room.settings.web.brand = other
        #expect(try bench.gate().text.contains("You are in the queue"), "a reload has changed the folder")
    }
}
