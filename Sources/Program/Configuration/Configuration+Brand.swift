// SPDX-License-Identifier: Apache-2.0
//
// The folder that a room's `page` names: brand.yaml in it has the colours, the name of the logo's file, and sentences.

public import Admission
internal import Glibc
internal import Yams

extension Configuration {
    /// The file in the folder that says what else is in it.
    public static let brandFile = "brand.yaml"

    /// A page of the operator's own in the folder; there need not be one.
    public static let pageFile = "page.mustache"

    /// The endings of a logo, and their types.
    public static let logoTypes = ["svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"]

    /// Reads brand.yaml.
    /// - Parameter languages: tags that the page exists in.
    /// - Returns: the brand without its logo, and the name of the logo's file, if there is one.
    public static func brand(
        yaml: String,
        languages: [String]
    ) throws(ConfigurationError) -> (brand: PageBrand, logoFile: String?) {
        var (brand, logoFile) = (PageBrand(), String?.none)
        for (key, value) in try members(of: try root(yaml), in: brandFile) {
            switch key.text {
            case "accent": brand.accent = try colour(value, key, on: ["#ffffff"])
            // The page's card, and the words on a button.
            case "accent_dark": brand.darkAccent = try colour(value, key, on: ["#181b21", "#0d0f13"])
            case "logo":
                let name = try value.text(key)
                guard !name.contains("/"), let ending = name.split(separator: ".").last, name.contains("."),
                    logoTypes[String(ending)] != nil
                else { throw key.error("logo must be the name of an svg, png or webp file in the same folder") }
                logoFile = name
            case "logo_text": brand.logoText = try sentence(value, key)
            case "texts": brand.texts = try texts(value, languages)
            default: throw key.unknown(in: brandFile)
            }
        }
        if logoFile != nil, brand.logoText.isEmpty {
            throw ConfigurationError(line: 0, message: "logo_text must say what the logo says: some do not see it")
        }
        return (brand, logoFile)
    }

    private static func root(_ yaml: String) throws(ConfigurationError) -> Node {
        do {
            return try Yams.compose(yaml: yaml) ?? Node.mapping(Node.Mapping([]))
        } catch {
            throw ConfigurationError(line: 0, message: "\(error)")
        }
    }

    private static func texts(
        _ node: Node,
        _ languages: [String]
    ) throws(ConfigurationError) -> [String: [String: String]] {
        var texts: [String: [String: String]] = [:]
        for (language, sentences) in try members(of: node, in: "texts") {
            guard languages.contains(language.text) else {
                throw language.error("texts: \(language.text) is none of \(languages.joined(separator: ", "))")
            }
            for (name, value) in try members(of: sentences, in: "texts.\(language.text)") {
                guard PageBrand.textNames.contains(name.text) else {
                    let known = PageBrand.textNames.joined(separator: ", ")
                    throw name.error("texts.\(language.text): \(name.text) is none of \(known)")
                }
                texts[language.text, default: [:]][name.text] = try sentence(value, name)
            }
        }
        return texts
    }

    /// Text, and no HTML: what is in it cannot become a part of the page.
    private static func sentence(_ value: Node, _ key: Node) throws(ConfigurationError) -> String {
        let text = try value.text(key)
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } && !text.contains("<") && !text.contains("{{")
        guard isPlain, text.utf8.count <= PageBrand.textByteCountMax else {
            throw key.error(
                "\(key.text) must be text of at most \(PageBrand.textByteCountMax) bytes on one line, without < and {{"
            )
        }
        return text
    }

    /// A colour that can be read on each of these, and under words in each (WCAG 2.2, 1.4.3).
    private static func colour(_ value: Node, _ key: Node, on others: [String]) throws(ConfigurationError) -> String {
        let text = try value.text(key).lowercased()
        guard let own = luminance(text) else { throw key.error("\(key.text) must be a colour such as \"#1f5fd6\"") }
        for other in others.compactMap(luminance) {
            let contrast = (max(own, other) + 0.05) / (min(own, other) + 0.05)
            guard contrast >= 4.5 else {
                let tenths = Int(contrast * 10)
                throw key.error(
                    "\(key.text): the contrast of \(text) is \(tenths / 10).\(tenths % 10) to 1; words need 4.5 to 1"
                )
            }
        }
        return text
    }

    /// The relative luminance of `#rrggbb` as WCAG defines it; nil for anything else.
    private static func luminance(_ text: String) -> Double? {
        guard text.utf8.count == 7, text.hasPrefix("#"), text.dropFirst().allSatisfy(\.isHexDigit),
            let value = Int(text.dropFirst(), radix: 16)
        else { return nil }
        func linear(_ byte: Int) -> Double {
            let share = Double(byte) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear(value >> 16) + 0.7152 * linear(value >> 8 & 255) + 0.0722 * linear(value & 255)
    }
}
