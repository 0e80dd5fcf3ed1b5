// SPDX-License-Identifier: Apache-2.0
//
// A run of a site: its software, started once, and its nginx, started anew for each part of the run.

import Foundation
import NginxFiles
import Passes
import TestSupport

/// The software of a site in a directory of its own.
final class SiteStage {
    let folder: SiteFolder
    let directory: TemporaryDirectory
    let ports: [Int]
    private var programs: [TestProcess] = []
    private var nginx: TestProcess?

    var configuration: String { directory.file("etc/nginx/nginx.conf") }

    init(_ folder: SiteFolder) throws {
        self.folder = folder
        directory = try TemporaryDirectory()
        ports = try (0..<6).map { _ in try Loopback.freePort() }
        try folder.copy(to: directory, ports: ports)
        try SiteStage.makeCertificate(directory)
        try directory.write("arrivals.log", "")
        for (index, program) in folder.programs.enumerated() {
            func filled(_ word: String) -> String { word.replacing("@DIR@", with: directory.path) }
            let log = "program-\(index).log"
            let words = program.words.map(filled)
            let process = try TestProcess(words[0], Array(words.dropFirst()), log: directory.file(log))
            programs.append(process)
            let socket = filled(program.socket)
            try Wait.require("\(words[0]) listens: \(directory.read(log))", seconds: 20) {
                guard process.isRunning else { throw TestFailure("\(words): \(directory.read(log))") }
                return (try? TestSocket(path: socket)) != nil
            }
        }
    }

    // Before the directory goes.
    deinit {
        stopNginx()
        for program in programs { program.stop() }
    }

    private static func makeCertificate(_ directory: TemporaryDirectory) throws {
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=site.test"
        let files = ["-keyout", directory.file("key.pem"), "-out", directory.file("cert.pem")]
        let made = try TestProcess.output("openssl", words.split(separator: " ").map(String.init) + files)
        guard made.status == 0 else { throw TestFailure("no certificate: \(made.text)") }
    }

    // MARK: - nginx

    /// Starts nginx with nothing in its caches and limits.
    func startNginx() throws {
        stopNginx()
        // Of an nginx that had to be killed, nginx.pid would be there before this one listens.
        for name in ["cache", "board", "nginx.pid"] {
            try? FileManager.default.removeItem(atPath: directory.file(name))
        }
        let words = ["-e", directory.file("start.log"), "-c", configuration]
        let process = try TestProcess("nginx", words + ["-g", "daemon off;"], log: directory.file("nginx.out"))
        nginx = process
        // Written when it listens; removed at its end.
        let isUp = Wait.until(seconds: 10) { !process.isRunning || !directory.read("nginx.pid").isEmpty }
        guard isUp && process.isRunning else { throw TestFailure("nginx: \(directory.read("nginx.out"))") }
    }

    func stopNginx() {
        nginx?.stop(within: 5)
        nginx = nil
    }

    // MARK: - Asking

    /// Sends every request of the table.
    func ask(_ phase: String, cookie: @escaping (SiteRequest) -> String? = { _ in nil }) throws -> [SiteAnswer] {
        let client = SiteClient(ports: ports, phase: phase, cookie: cookie)
        return try folder.requests.map { try client.send($0) }
    }

    /// What has arrived at the software in a part of the run, in the order of the table: lines without the row's name
    /// and without our cookies.
    /// - Parameter least: how many lines are waited for; a mirrored request may arrive after its answer.
    func arrivals(_ phase: String, atLeast least: Int = 0) -> [String] {
        func lines() -> [String] {
            directory.read("arrivals.log").split(separator: "\n").filter { $0.hasPrefix("\(phase)-") }.map(String.init)
        }
        Wait.until(seconds: 3) { lines().count >= least }
        return lines().map { line in
            let parts = line.dropFirst(phase.count + 1).split(separator: " ", maxSplits: 1)
            return (Int(parts[0]) ?? 0, String(parts.last ?? ""))
        }.sorted { $0 < $1 }.map { row, text in
            "\(row) "
                + text.replacing(/(__Host-)?vestibule-pass-[a-z]+=eyJ[A-Za-z0-9_.-]+(; )?/, with: "")
                .replacing(/, ?"(HTTP_COOKIE|cookie)": ?""/, with: "")
        }
    }

    /// Every file that an installation may change, with its content.
    func files() -> [String: String] {
        var found: [String: String] = [:]
        for folder in ["etc", "usr"] {
            for case let name as String in FileManager.default.enumerator(atPath: directory.file(folder)) ?? .init() {
                found["\(folder)/\(name)"] = directory.read("\(folder)/\(name)")
            }
        }
        return found
    }
}
