// SPDX-License-Identifier: Apache-2.0
//
// The folder that a room's `page` names, read when the configuration is read: at the start and at a reload.

import Admission
import Configuration
import Passes
import Reactor
import WaitingRoomAPI

enum BrandFolder {
    /// The same configuration with what is in the folders. A relative name is one beside the configuration file.
    static func read(_ configuration: Configuration, _ path: String) throws -> Configuration {
        var configuration = configuration
        for index in configuration.rooms.indices {
            try fill(&configuration.rooms[index].web, path, room: configuration.rooms[index].id)
        }
        for index in configuration.templates.indices {
            try fill(&configuration.templates[index].entry.web, path, room: configuration.templates[index].entry.id)
        }
        return configuration
    }

    private static func fill(_ web: inout WebRules, _ path: String, room: String) throws {
        guard let named = web.pageFolder else { return }
        let beside = Files.absolute(path).split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let folder = named.hasPrefix("/") ? named : "\(beside)/\(named)"
        web.pageFolder = folder
        let page = "\(folder)/\(Configuration.pageFile)"
        let file = "\(folder)/\(Configuration.brandFile)"
        do {
            let text = try Files.exists(page) && !Files.exists(file) ? "" : Files.readText(file)
            let languages = Language.allCases.map { $0.sentences.tag }
            var (brand, logoFile) = try Configuration.brand(yaml: text, languages: languages)
            if let logoFile { brand.logo = try logo("\(folder)/\(logoFile)") }
            if Files.exists(page) { brand.page = try ownPage(page, room: room) }
            web.brand = brand
        } catch let error as ConfigurationError {
            throw CommandFailure("CONFIG_INVALID", "\(file) of room \(room): \(error)")
        }
    }

    /// HTML of the operator's own.
    private static func ownPage(_ path: String, room: String) throws -> String {
        let text = try Files.readText(path)
        do {
            _ = try OwnPage(text)
        } catch {
            throw CommandFailure(error.code.rawValue, "\(path) of room \(room): line \(error.line): \(error.message)")
        }
        return text
    }

    /// As a `data:` URL: the page is one answer. What is in a picture runs nothing in a page.
    private static func logo(_ path: String) throws -> String {
        let bytes = try Files.read(path)
        guard !bytes.isEmpty, bytes.count <= PageBrand.logoByteCountMax else {
            throw CommandFailure("CONFIG_INVALID", "\(path) must have 1 to \(PageBrand.logoByteCountMax) bytes")
        }
        let ending = path.split(separator: ".").last.map { String($0) } ?? ""
        let type = Configuration.logoTypes[ending] ?? ""
        return "data:\(type);base64,\(Base64URL.encodeStandard(bytes))"
    }
}
