// SPDX-License-Identifier: Apache-2.0
//
// Sites as people have them: real software behind a real nginx, before Vestibule and after `vestibule install`. With a
// pass nothing has changed, without one nothing arrives, and `vestibule uninstall` gives the old files back.

import Foundation
import NginxFiles
import TestSupport
import Testing

@Suite(.serialized, WithRoomPools()) struct SiteTests {
    private typealias Verifier = NginxConfiguration.Verifier

    @Test func `there are twelve sites with at least forty requests each`() {
        #expect(SiteFolder.all.count >= SiteFolder.wanted?.count ?? 12)
        for site in SiteFolder.all { #expect(site.requests.count >= 40, "\(site.name)") }
    }

    @Test(arguments: SiteFolder.all)
    func `a site is the same with a pass, and closed without`(site: SiteFolder) throws {
        let pools = try #require(RoomPools.current)
        let stage = try SiteStage(site)
        let started = Self.clock.now
        try stage.startNginx()
        let before = try stage.ask("a")
        let arrived = stage.arrivals("a")
        stage.stopNginx()
        var report = "\(site.name): \(before.count) requests, \(arrived.count) arrive\n"
        for verifier in Verifier.allCases {
            try pools.giveKeys(to: stage.directory)
            try pools.link(.paused, into: stage.directory)
            let files = stage.files()
            report += "\(verifier.rawValue): installed in \(try install(stage, verifier))"
            let run = SiteRun(stage: stage, pools: pools, verifier: verifier, before: before, arrived: arrived)
            try run.withAPass()
            try run.withoutAPass()
            report += ", let in by the gate \(try run.letIn())\n"
            stage.stopNginx()
            try uninstall(stage, leaving: files)
        }
        report += "in all \(Self.clock.now - started)\n"
        Attachment.record(report, named: "\(site.name).txt")
    }

    private static let clock = ContinuousClock()

    /// `install --apply`, and what `nginx check` says of the result: nothing.
    private func install(_ stage: SiteStage, _ verifier: Verifier) throws -> Duration {
        let started = Self.clock.now
        let words = ["install", "--root", stage.directory.path, "--verifier", verifier.rawValue, "--apply"]
        let hosts = stage.folder.hosts.flatMap { ["--host", $0] }
        let (status, text) = try TestProcess.output(try Product.vestibule(), words + hosts)
        let took = Self.clock.now - started
        guard status == 0 else { throw TestFailure("\(stage.folder.name), \(verifier): \(text)") }
        #expect(took < .seconds(60))
        let check = ["nginx", "check", "-c", stage.configuration, "--strict"]
        let found = try TestProcess.output(try Product.vestibule(), check)
        #expect(found.status == 0 && found.text == "", "\(stage.folder.name), \(verifier): \(found.text)")
        return took
    }

    private func uninstall(_ stage: SiteStage, leaving files: [String: String]) throws {
        let words = ["uninstall", "--root", stage.directory.path]
        let (status, text) = try TestProcess.output(try Product.vestibule(), words)
        #expect(status == 0, "\(text)")
        #expect(stage.files() == files, "\(stage.folder.name)")
    }
}
