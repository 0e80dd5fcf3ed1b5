// SPDX-License-Identifier: Apache-2.0
//
// The sentence a visitor reads, in Korean or English.

internal import Admission

/// A language the messages exist in.
enum Language: Sendable {
    case english
    case korean

    /// The best of `Accept-Language` (RFC 9110 section 12.5.4): highest quality first, then order. English otherwise.
    init(acceptLanguage header: ArraySlice<UInt8>) {
        var best = Language.english
        var bestQuality = 0.0
        for item in header.prefix(512).split(separator: UInt8(ascii: ",")).prefix(16) {
            let parts = item.split(separator: UInt8(ascii: ";"))
            guard let tag = parts.first.map({ Language.trimmed($0) }) else { continue }
            var quality = 1.0
            for part in parts.dropFirst() {
                let text = Language.trimmed(part)
                if text.hasPrefix("q=") { quality = Double(text.dropFirst(2)) ?? 0 }
            }
            let language: Language
            if tag == "ko" || tag.hasPrefix("ko-") {
                language = .korean
            } else if tag == "en" || tag.hasPrefix("en-") {
                language = .english
            } else {
                continue
            }
            if quality > bestQuality {
                best = language
                bestQuality = quality
            }
        }
        self = best
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).lowercased().filter { $0 != " " && $0 != "\t" }
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
