// SPDX-License-Identifier: Apache-2.0
//
// Which language a visitor reads. A language is a file beside this one, and a case here.

/// A language that the messages exist in.
package enum Language: CaseIterable, Sendable {
    case english
    case korean
    case japanese
    case simplifiedChinese
    case traditionalChinese
    case spanish
    case french
    case german
    case portuguese
    case italian
    case arabic
    case hebrew
    case indonesian
    case vietnamese
    case thai

    package var sentences: any Sentences.Type {
        switch self {
        case .english: EnglishSentences.self
        case .korean: KoreanSentences.self
        case .japanese: JapaneseSentences.self
        case .simplifiedChinese: SimplifiedChineseSentences.self
        case .traditionalChinese: TraditionalChineseSentences.self
        case .spanish: SpanishSentences.self
        case .french: FrenchSentences.self
        case .german: GermanSentences.self
        case .portuguese: PortugueseSentences.self
        case .italian: ItalianSentences.self
        case .arabic: ArabicSentences.self
        case .hebrew: HebrewSentences.self
        case .indonesian: IndonesianSentences.self
        case .vietnamese: VietnameseSentences.self
        case .thai: ThaiSentences.self
        }
    }

    /// Whether it is written from right to left.
    package var isRightToLeft: Bool { self == .arabic || self == .hebrew }

    /// The language of a tag as `Sentences.tag` writes it.
    init?(tag: some StringProtocol) {
        guard let language = Language.allCases.first(where: { $0.sentences.tag == tag }) else { return nil }
        self = language
    }

    /// The best of `Accept-Language` (RFC 9110 section 12.5.4): highest quality first, then order. English otherwise.
    /// Works on the bytes: every poll of a browser carries this header.
    package init(acceptLanguage header: ArraySlice<UInt8>) {
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

    /// The language that an item names by its first two letters, in either case, alone or before `-` or `;`.
    private static func named(by item: ArraySlice<UInt8>) -> Language? {
        let tag = item.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard tag.count >= 2 else { return nil }
        let rest = tag.dropFirst(2)
        if let next = rest.first {
            let isEnd = next == UInt8(ascii: "-") || next == UInt8(ascii: ";") || next == UInt8(ascii: " ")
            guard isEnd else { return nil }
        }
        switch (tag[tag.startIndex] | 0x20, tag[tag.startIndex + 1] | 0x20) {
        case (UInt8(ascii: "e"), UInt8(ascii: "n")): return .english
        case (UInt8(ascii: "k"), UInt8(ascii: "o")): return .korean
        case (UInt8(ascii: "j"), UInt8(ascii: "a")): return .japanese
        case (UInt8(ascii: "z"), UInt8(ascii: "h")):
            return isTraditional(rest) ? .traditionalChinese : .simplifiedChinese
        case (UInt8(ascii: "e"), UInt8(ascii: "s")): return .spanish
        case (UInt8(ascii: "f"), UInt8(ascii: "r")): return .french
        case (UInt8(ascii: "d"), UInt8(ascii: "e")): return .german
        case (UInt8(ascii: "p"), UInt8(ascii: "t")): return .portuguese
        case (UInt8(ascii: "i"), UInt8(ascii: "t")): return .italian
        case (UInt8(ascii: "a"), UInt8(ascii: "r")): return .arabic
        // The second of each is the code of before 1989, which Java and Android still send.
        case (UInt8(ascii: "h"), UInt8(ascii: "e")), (UInt8(ascii: "i"), UInt8(ascii: "w")): return .hebrew
        case (UInt8(ascii: "i"), UInt8(ascii: "d")), (UInt8(ascii: "i"), UInt8(ascii: "n")): return .indonesian
        case (UInt8(ascii: "v"), UInt8(ascii: "i")): return .vietnamese
        case (UInt8(ascii: "t"), UInt8(ascii: "h")): return .thai
        default: return nil
        }
    }

    /// By the script where the tag names one, else by the region: Taiwan, Hong Kong and Macao.
    private static func isTraditional(_ rest: ArraySlice<UInt8>) -> Bool {
        let subtags = rest.prefix { $0 != UInt8(ascii: ";") }.split(separator: UInt8(ascii: "-"))
            .map { String(decoding: $0, as: UTF8.self).lowercased() }
        if subtags.contains("hans") { return false }
        return subtags.contains { ["hant", "tw", "hk", "mo"].contains($0) }
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
