// SPDX-License-Identifier: Apache-2.0
//
// What the rooms of the YAML protect and shut, read back from the rendered maps.

/// The paths that the rooms protect: each map gives the room of a $uri, for some hosts.
struct GuardedPaths {
    private let maps: [NginxDirective]
    /// Host names, and which of the maps is theirs.
    private let hosts: [NginxDirective]
    /// Expressions over "ROOM PATH": where the gate lets nobody.
    private let shut: [NginxDirective]

    init(_ http: NginxDirective) {
        let ours = http.children("map").filter(\.isOurs)
        maps = ours.filter { $0.arguments.first == "$uri" && $0.arguments.last?.hasPrefix("$vsb_p") == true }
        hosts = ours.filter { $0.arguments == ["$host", "$vsb_host"] }.flatMap { $0.block ?? [] }
        shut = ours.filter { $0.arguments.last == "$vsb_shut" }.flatMap { $0.block ?? [] }
    }

    /// Whether no room of the YAML protects anything.
    var isEmpty: Bool { !maps.isEmpty && !maps.contains { map in (map.block ?? []).contains { room(of: $0) != nil } } }

    /// The room that has the path, for requests to a host.
    func room(_ path: String, host: String) -> String? {
        let number = hosts.first { $0.name == host }?.arguments.first ?? "0"
        let own = maps.first { ["$vsb_place", "$vsb_p_\(number)"].contains($0.arguments.last ?? "") }
        let lines = own?.block ?? []
        return (lines.first { matches($0, path) } ?? lines.first { $0.name == "default" }).flatMap { room(of: $0) }
    }

    /// Whether `protect.internal` of the room names the path.
    func isShut(_ path: String, room: String) -> Bool { shut.contains { matches($0, "\(room) \(path)") } }

    private func matches(_ line: NginxDirective, _ text: String) -> Bool {
        guard line.name.hasPrefix("~"), let expression = try? Regex(String(line.name.dropFirst())) else { return false }
        return text.firstMatch(of: expression) != nil
    }

    /// What a line of a map gives; another variable is no room.
    private func room(of line: NginxDirective) -> String? {
        guard let room = line.arguments.first, !room.isEmpty, !room.hasPrefix("$") else { return nil }
        return room
    }
}
