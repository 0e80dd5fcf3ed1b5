// SPDX-License-Identifier: Apache-2.0
//
// A folder of Tests/Sites: an nginx.conf, the requests of its table, and what its software needs. Each of its files may
// hold @DIR@, the directory of a run; @PORT0@ and so on; and @TEMP@, where nginx keeps bodies.

import Foundation
import TestSupport
import Testing

/// A site as it lies in the repository.
struct SiteFolder: Sendable, CustomTestStringConvertible {
    let name: String
    let requests: [SiteRequest]

    static let root = "\(Repository.root)/Tests/Sites"
    var path: String { "\(SiteFolder.root)/\(name)" }
    var testDescription: String { name }

    /// The names of those to run; nil for all.
    static let wanted = ProcessInfo.processInfo.environment["VESTIBULE_SITES"]?.split(separator: ",").map(String.init)

    /// All of them, in the order of their names; VESTIBULE_SITES=a,b for some.
    static let all: [SiteFolder] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.sorted().compactMap { name in
            guard wanted?.contains(name) ?? true,
                FileManager.default.fileExists(atPath: "\(root)/\(name)/nginx.conf")
            else { return nil }
            do {
                return try SiteFolder(name)
            } catch {
                fatalError("\(name): \(error)")
            }
        }
    }()

    init(_ name: String) throws {
        self.name = name
        let own = try String(contentsOfFile: "\(SiteFolder.root)/\(name)/requests.txt", encoding: .utf8)
        let common = try String(contentsOfFile: "\(SiteFolder.root)/requests.txt", encoding: .utf8)
        // What each site is asked comes last: what it leaves in a site's limits and caches changes nothing then. A site
        // may say how: `common | @tls`.
        let lines = own.split(separator: "\n", omittingEmptySubsequences: false)
        let words = lines.first { $0.hasPrefix("common") }?.dropFirst("common".count) ?? ""
        let shared = common.split(separator: "\n").map { $0.hasPrefix("#") ? "\($0)" : "\($0)\(words)" }
        let text = lines.filter { !$0.hasPrefix("common") }.joined(separator: "\n")
        requests = try SiteTable.read(text + "\n" + shared.joined(separator: "\n"))
    }

    /// Copies the files into a directory, as a machine would have them: nginx.conf in etc/nginx.
    func copy(to directory: TemporaryDirectory, ports: [Int]) throws {
        let files = FileManager.default
        for folder in ["etc/nginx", "etc/vestibule", "run"] {
            try files.createDirectory(atPath: directory.file(folder), withIntermediateDirectories: true)
        }
        func text(_ path: String) throws -> String {
            var text = try String(contentsOfFile: path, encoding: .utf8)
            for (index, port) in ports.enumerated() { text = text.replacing("@PORT\(index)@", with: "\(port)") }
            let kinds = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
            let temporaries = kinds.map { "\($0)_temp_path \(directory.file("tmp-\($0)"));" }
            return text.replacing("@TEMP@", with: temporaries.joined(separator: " "))
                .replacing("@DIR@", with: directory.path)
        }
        for name in (files.enumerator(atPath: path)?.allObjects ?? []).compactMap({ $0 as? String }) {
            var isDirectory: ObjCBool = false
            _ = files.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory)
            if isDirectory.boolValue {
                try files.createDirectory(atPath: directory.file(name), withIntermediateDirectories: true)
                continue
            }
            let places = ["nginx.conf": "etc/nginx/nginx.conf", "vestibule.yaml": "etc/vestibule/vestibule.yaml"]
            try directory.write(places[name] ?? name, try text("\(path)/\(name)"))
        }
        for name in ["app.py", "live.py"] {
            try directory.write(name, try text("\(SiteFolder.root)/\(name)"))
        }
    }

    /// The server names to protect, of its file `hosts`; none for a site with one server.
    var hosts: [String] {
        let text = (try? String(contentsOfFile: "\(path)/hosts", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// The lines of its file `programs`: where a program listens, and its command.
    var programs: [(socket: String, words: [String])] {
        let text = (try? String(contentsOfFile: "\(path)/programs", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ").map(String.init)
            return (words[0], Array(words.dropFirst()))
        }
    }
}
