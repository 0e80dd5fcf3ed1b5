// SPDX-License-Identifier: Apache-2.0
//
// A site as `nginx -T` prints it, with the rendered files beside it. A line that ends with `#!` is where a finding is
// expected; `#?` where a warning is.

import NginxCheck
import NginxFiles
import Testing

struct PlantedSite {
    let findings: [NginxFinding]
    let configuration: [NginxDirective]
    /// `PATH:LINE` of the marks.
    let openLines: [String]
    let warnedLines: [String]

    private static let folder = "/etc/nginx/vestibule"

    /// - Parameters:
    ///   - hosts: of the room that the guard protects.
    ///   - paths: of that room; without any there is none.
    ///   - shut: `internal` of that room.
    ///   - content: what stands in `http`. `HTTP`, `SERVER`, `GUARD` and `PROTECT` stand for our includes.
    init(
        verifier: NginxConfiguration.Verifier = .njs,
        hosts: [String] = [],
        paths: [String] = ["/"],
        shut: [String] = [],
        apiPrefix: String = NginxConfiguration.standardAPIPrefix,
        obeysServerAccess: Bool = true,
        _ content: String
    ) throws {
        var protection = RoomProtection()
        (protection.hosts, protection.paths, protection.internalPaths) = (hosts, paths, shut)
        let rendered = try NginxConfiguration(
            directory: Self.folder,
            keysFile: "/etc/vestibule/keys.json",
            workerSockets: ["/run/vestibule/worker-0.sock"],
            verifier: verifier,
            apiPrefix: apiPrefix,
            obeysServerAccess: obeysServerAccess,
            protectedRooms: paths.isEmpty ? [] : [ProtectedRoom(id: "demo", protection: protection)]
        ).renderedFiles()
        let main = "/etc/nginx/nginx.conf"
        let names = ["HTTP": "http", "SERVER": "server", "GUARD": "guard", "PROTECT": "protect"]
        var text = "events { }\nhttp {\n\(content)\n}\n"
        for (word, name) in names {
            let room = name == "protect" ? "set $vestibule_room demo; " : ""
            text = text.replacing("\(word);", with: "\(room)include \(Self.folder)/vestibule-\(name).conf;")
        }
        let files = [(main, text)] + rendered.map { ("\(Self.folder)/\($0.name)", $0.text) }
        let dump = files.map { "# configuration file \($0.0):\n\($0.1)\n" }.joined()
        configuration = try NginxReader.read(dump: dump)
        findings = NginxCheck.findings(in: configuration)
        func marked(_ mark: String) -> [String] {
            text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                .filter { $0.element.hasSuffix(mark) }.map { "\(main):\($0.offset + 1)" }
        }
        (openLines, warnedLines) = (marked("#!"), marked("#?"))
    }

    func found(_ severity: NginxFinding.Severity) -> [String] {
        findings.filter { $0.severity == severity }.map { "\($0.file):\($0.line)" }.sorted()
    }
}
