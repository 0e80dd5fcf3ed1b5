// SPDX-License-Identifier: Apache-2.0
//
// The sentence a visitor reads, in Korean or English, and which of the two.

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

/// What a visitor is told.
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
        switch (self, language) {
        case (.wait(let estimate), .korean):
            json.text("약 ")
            WaitMessage.duration(estimate.seconds, .korean, &json)
            json.text(" 예상 (신뢰도: ")
            json.text(WaitMessage.word(estimate.confidence, .korean))
            json.text(")")
        case (.wait(let estimate), .english):
            json.text("About ")
            WaitMessage.duration(estimate.seconds, .english, &json)
            json.text(" (confidence: ")
            json.text(WaitMessage.word(estimate.confidence, .english))
            json.text(")")
        case (_, .korean): json.text(korean)
        case (_, .english): json.text(english)
        }
        json.endText()
    }

    /// The sentence, where it has no numbers in it.
    var english: StaticString {
        switch self {
        case .wait: ""
        case .paused: "The queue is paused. Your place is kept."
        case .late: "You missed your turn twice. You are still waiting, behind everyone who is here now."
        case .ready: "It is your turn."
        case .admitted: "You are in."
        case .left: "You have left the queue."
        case .expired: "Your place has expired. Please join again."
        }
    }

    var korean: StaticString {
        switch self {
        case .wait: ""
        case .paused: "잠시 멈췄습니다. 순서는 그대로 유지됩니다."
        case .late: "두 번의 입장 차례를 놓쳤습니다. 지금 기다리는 다른 분들 다음 순서로 계속 대기합니다."
        case .ready: "입장하실 차례입니다."
        case .admitted: "입장이 허용되었습니다."
        case .left: "대기열에서 나갔습니다."
        case .expired: "대기 순서가 만료되었습니다. 다시 참여해 주세요."
        }
    }

    /// Hours and minutes, minutes and seconds, or seconds.
    private static func duration(_ seconds: Int, _ language: Language, _ json: inout JSONWriter) {
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        let isKorean = language == .korean
        func part(_ value: Int, _ korean: StaticString, _ english: StaticString, _ json: inout JSONWriter) {
            json.text(value)
            json.text(isKorean ? korean : english)
        }
        if hours > 0 {
            part(hours, "시간", " h", &json)
            if minutes > 0 {
                json.text(" ")
                part(minutes, "분", " min", &json)
            }
        } else if minutes > 0 {
            part(minutes, "분", " min", &json)
            if rest > 0 {
                json.text(" ")
                part(rest, "초", " s", &json)
            }
        } else {
            part(rest, "초", rest == 1 ? " second" : " seconds", &json)
        }
    }

    private static func word(_ confidence: Confidence, _ language: Language) -> StaticString {
        switch (confidence, language) {
        case (.high, .korean): "높음"
        case (.good, .korean): "다소 높음"
        case (.fair, .korean): "보통"
        case (.low, .korean): "낮음"
        case (.high, .english): "high"
        case (.good, .english): "good"
        case (.fair, .english): "fair"
        case (.low, .english): "low"
        }
    }
}
