// SPDX-License-Identifier: Apache-2.0
//
// Which language a visitor reads, and how the sentence of an answer is put together. The sentences: Sentences.swift.

internal import Admission

/// A language the messages exist in.
enum Language: Sendable {
    case english
    case korean

    /// The best of `Accept-Language` (RFC 9110 section 12.5.4): highest quality first, then order. English otherwise.
    /// Works on the bytes: every poll of a browser carries this header.
    init(acceptLanguage header: ArraySlice<UInt8>) {
        var best = Language.english
        var bestQuality = 0
        var start = header.startIndex
        // Sixteen items are more than any browser sends.
        for _ in 0..<16 where start < header.endIndex {
            let end = header[start...].firstIndex(of: UInt8(ascii: ",")) ?? header.endIndex
            let item = header[start..<end]
            start = end + 1
            guard let language = Language.named(by: item) else { continue }
            let quality = Language.quality(of: item)
            if quality > bestQuality {
                best = language
                bestQuality = quality
            }
        }
        self = best
    }

    /// The language whose two letters begin an item, in either case, alone or before `-` or `;`.
    private static func named(by item: ArraySlice<UInt8>) -> Language? {
        let tag = item.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard tag.count >= 2 else { return nil }
        if tag.count > 2 {
            let next = tag[tag.startIndex + 2]
            let isEnd = next == UInt8(ascii: "-") || next == UInt8(ascii: ";") || next == UInt8(ascii: " ")
            guard isEnd else { return nil }
        }
        switch (tag[tag.startIndex] | 0x20, tag[tag.startIndex + 1] | 0x20) {
        case (UInt8(ascii: "k"), UInt8(ascii: "o")): return .korean
        case (UInt8(ascii: "e"), UInt8(ascii: "n")): return .english
        default: return nil
        }
    }

    /// The `q` of an item in thousandths; 1,000 without one, 0 when it cannot be read.
    private static func quality(of item: ArraySlice<UInt8>) -> Int {
        guard let equals = item.firstIndex(of: UInt8(ascii: "=")) else { return 1000 }
        var value = 0
        var scale = 1000
        var isFraction = false
        for byte in item[(equals + 1)...] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if isFraction { scale /= 10 }
                value += Int(byte - UInt8(ascii: "0")) * scale
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: " "): continue
            default: return 0
            }
            if value > 1000 { return 0 }
        }
        return value
    }
}

/// What the `message` of an answer says.
enum WaitMessage {
    case wait(WaitEstimate)
    case paused
    case late
    case ready
    case admitted
    case left
    case expired

    /// Written part by part: as a string it was a twentieth of a poll's instructions.
    func write(into json: inout JSONWriter, _ key: StaticString, _ language: Language) {
        json.beginText(key)
        // The types are named, so that the compiler makes a function for each language.
        switch language {
        case .english: write(into: &json, EnglishSentences.self)
        case .korean: write(into: &json, KoreanSentences.self)
        }
        json.endText()
    }

    private func write<Words: Sentences>(into json: inout JSONWriter, _: Words.Type) {
        switch self {
        case .wait(let estimate):
            let forecast = Words.forecast
            json.text(forecast.beforeDuration)
            WaitMessage.duration(estimate.seconds, Words.self, &json)
            json.text(forecast.beforeConfidence)
            json.text(Words.word(estimate.confidence))
            json.text(forecast.end)
        case .paused: json.text(Words.paused)
        case .late: json.text(Words.late)
        case .ready: json.text(Words.ready)
        case .admitted: json.text(Words.admitted)
        case .left: json.text(Words.left)
        case .expired: json.text(Words.expired)
        }
    }

    /// Hours and minutes, minutes and seconds, or seconds.
    private static func duration<Words: Sentences>(_ seconds: Int, _: Words.Type, _ json: inout JSONWriter) {
        func parts(_ large: Int, _ largeUnit: StaticString, _ small: Int, _ smallUnit: StaticString) {
            json.text(large)
            json.text(largeUnit)
            guard small > 0 else { return }
            json.text(" ")
            json.text(small)
            json.text(smallUnit)
        }
        if seconds >= 3600 {
            parts(seconds / 3600, Words.hours, seconds / 60 % 60, Words.minutes)
        } else if seconds >= 60 {
            parts(seconds / 60, Words.minutes, seconds % 60, Words.seconds)
        } else {
            parts(seconds, Words.secondsAlone(seconds), 0, "")
        }
    }
}
