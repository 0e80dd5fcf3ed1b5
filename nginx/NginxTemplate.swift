// SPDX-License-Identifier: Apache-2.0
//
// Fills in `{{NAME}}` in the configuration files. Deliberately no conditions and no loops: what differs between
// variants is in different files, chosen by NginxConfiguration.

/// Why a file cannot be made.
public enum NginxTemplateError: Error, Equatable, CustomStringConvertible {
    case unknownFile(String)
    /// The file holds a placeholder for which no value was given.
    case unfilled(placeholder: String, file: String)
    /// A value was given that the file has no placeholder for.
    case unknown(placeholder: String, file: String)
    /// A `{{` has no `}}`.
    case unterminated(file: String)
    /// A value would break out of its place in the configuration.
    case unsafeValue(name: String, value: String)

    public var description: String {
        switch self {
        case .unknownFile(let name): "there is no nginx file \(name)"
        case .unfilled(let placeholder, let file): "\(file): no value for {{\(placeholder)}}"
        case .unknown(let placeholder, let file): "\(file): has no placeholder {{\(placeholder)}}"
        case .unterminated(let file): "\(file): a placeholder is not closed"
        case .unsafeValue(let name, let value): "\(name): nginx configuration cannot hold the value \(value)"
        }
    }
}

/// Filling in one file.
public enum NginxTemplate {
    /// The names of the placeholders of a file, each once, in the order of the text.
    public static func placeholders(of name: String) throws(NginxTemplateError) -> [String] {
        var names: [String] = []
        for piece in try pieces(of: name) {
            if case .placeholder(let placeholder) = piece, !names.contains(placeholder) { names.append(placeholder) }
        }
        return names
    }

    /// The file with every placeholder replaced. Every placeholder needs a value, and every value a placeholder.
    /// Values are not looked into: the caller must have checked them.
    public static func render(_ name: String, values: [String: String]) throws(NginxTemplateError) -> String {
        var text = ""
        var used: Set<String> = []
        for piece in try pieces(of: name) {
            switch piece {
            case .text(let literal): text += literal
            case .placeholder(let placeholder):
                guard let value = values[placeholder] else {
                    throw .unfilled(placeholder: placeholder, file: name)
                }
                used.insert(placeholder)
                text += value
            }
        }
        if let extra = values.keys.sorted().first(where: { !used.contains($0) }) {
            throw .unknown(placeholder: extra, file: name)
        }
        return text
    }

    private enum Piece {
        case text(String)
        case placeholder(String)
    }

    private static func pieces(of name: String) throws(NginxTemplateError) -> [Piece] {
        guard let text = NginxFiles.text(named: name) else { throw .unknownFile(name) }
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            pieces.append(.text(String(rest[..<open.lowerBound])))
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else { throw .unterminated(file: name) }
            pieces.append(.placeholder(String(rest[open.upperBound..<close.lowerBound])))
            rest = rest[close.upperBound...]
        }
        pieces.append(.text(String(rest)))
        return pieces
    }
}
