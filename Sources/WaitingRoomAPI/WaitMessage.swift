// SPDX-License-Identifier: Apache-2.0
//
// The sentence a visitor reads, in Korean or English.

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
            let ends: [UInt8] = [UInt8(ascii: "-"), UInt8(ascii: ";"), UInt8(ascii: " ")]
            guard ends.contains(next) else { return nil }
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

enum WaitMessage {
    static func waiting(_ estimate: WaitEstimate, _ language: Language) -> String {
        switch language {
        case .korean:
            "약 \(duration(estimate.seconds, .korean)) 예상 (신뢰도: \(word(estimate.confidence, .korean)))"
        case .english:
            "About \(duration(estimate.seconds, .english)) (confidence: \(word(estimate.confidence, .english)))"
        }
    }

    static func paused(_ language: Language) -> String {
        language == .korean
            ? "잠시 멈췄습니다. 순서는 그대로 유지됩니다." : "The queue is paused. Your place is kept."
    }

    static func ready(_ language: Language) -> String {
        language == .korean ? "입장하실 차례입니다." : "It is your turn."
    }

    static func admitted(_ language: Language) -> String {
        language == .korean ? "입장이 허용되었습니다." : "You are in."
    }

    static func left(_ language: Language) -> String {
        language == .korean ? "대기열에서 나갔습니다." : "You have left the queue."
    }

    static func expired(_ language: Language) -> String {
        language == .korean
            ? "대기 순서가 만료되었습니다. 다시 참여해 주세요." : "Your place has expired. Please join again."
    }

    static func duration(_ seconds: Int, _ language: Language) -> String {
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        switch language {
        case .korean:
            if hours > 0 { return minutes > 0 ? "\(hours)시간 \(minutes)분" : "\(hours)시간" }
            if minutes > 0 { return rest > 0 ? "\(minutes)분 \(rest)초" : "\(minutes)분" }
            return "\(rest)초"
        case .english:
            if hours > 0 { return minutes > 0 ? "\(hours) h \(minutes) min" : "\(hours) h" }
            if minutes > 0 { return rest > 0 ? "\(minutes) min \(rest) s" : "\(minutes) min" }
            return rest == 1 ? "1 second" : "\(rest) seconds"
        }
    }

    private static func word(_ confidence: Confidence, _ language: Language) -> String {
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
