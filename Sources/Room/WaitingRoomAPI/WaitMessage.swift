// SPDX-License-Identifier: Apache-2.0
//
// How the sentence of an answer is put together. The languages and their sentences: Languages.

internal import Admission

/// What the `message` of an answer says.
enum WaitMessage {
    case wait(WaitEstimate)
    case paused
    case late
    case ready
    case admitted
    case left
    case expired
    /// Here before the doors open, in the order of coming.
    case opening
    /// Here before the doors open, for a draw of places.
    case registered
    /// The doors are open, and the places are being drawn.
    case drawing
    /// The room is over; the operator's words, where there are some.
    case ended(String)

    /// Written part by part: as a string it was a twentieth of a poll's instructions.
    func write(into json: inout JSONWriter, _ key: StaticString, _ language: Language) {
        json.beginText(key)
        // The types are named, so that the compiler makes a function for each language.
        switch language {
        case .english: write(into: &json, EnglishSentences.self)
        case .korean: write(into: &json, KoreanSentences.self)
        case .japanese: write(into: &json, JapaneseSentences.self)
        case .simplifiedChinese: write(into: &json, SimplifiedChineseSentences.self)
        case .traditionalChinese: write(into: &json, TraditionalChineseSentences.self)
        case .spanish: write(into: &json, SpanishSentences.self)
        case .french: write(into: &json, FrenchSentences.self)
        case .german: write(into: &json, GermanSentences.self)
        case .portuguese: write(into: &json, PortugueseSentences.self)
        case .italian: write(into: &json, ItalianSentences.self)
        case .arabic: write(into: &json, ArabicSentences.self)
        case .hebrew: write(into: &json, HebrewSentences.self)
        case .indonesian: write(into: &json, IndonesianSentences.self)
        case .vietnamese: write(into: &json, VietnameseSentences.self)
        case .thai: write(into: &json, ThaiSentences.self)
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
        case .opening: json.text(Words.opening)
        case .registered: json.text(Words.registered)
        case .drawing: json.text(Words.drawing)
        case .ended(let notice) where !notice.isEmpty: json.text(escaping: notice)
        case .ended: json.text(Words.ended)
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
