// SPDX-License-Identifier: Apache-2.0
//
// The three parts of a run with one verifier, each compared with what the site answered before.

import NginxFiles
import Testing

/// A site with Vestibule, and what it was without.
struct SiteRun {
    let stage: SiteStage
    let pools: RoomPools
    let verifier: NginxConfiguration.Verifier
    let before: [SiteAnswer]
    /// What arrived at the software then.
    let arrived: [String]

    private var requests: [SiteRequest] { stage.folder.requests }
    private var name: String { "\(stage.folder.name), \(verifier.rawValue)" }

    /// Answers and arrivals are those of the site alone, to the byte.
    func withAPass() throws {
        try stage.startNginx()
        let after = try stage.ask("b-\(verifier)") { pools.cookie(for: $0) }
        for (request, (old, new)) in zip(requests, zip(before, after)) where old != new && !request.isOurs {
            if isSpelledAnew(request) && old.status == new.status { continue }
            Issue.record("\(name), with a pass, \(request.title)\n    before: \(old)\n    after:  \(new)")
        }
        compareArrivals("b-\(verifier)", "with a pass")
    }

    /// nginx/README.md, "Traps": with auth_request the backend gets some addresses as nginx spells them.
    private func isSpelledAnew(_ request: SiteRequest) -> Bool {
        verifier == .authRequest && request.isSpelledAnew
    }

    private func compareArrivals(_ phase: String, _ what: String) {
        let others = Set(requests.filter { $0.isOurs || isSpelledAnew($0) }.map { "\($0.row) " })
        func compared(_ lines: [String]) -> [String] {
            lines.filter { line in !others.contains { line.hasPrefix($0) } }
        }
        let now = compared(stage.arrivals(phase, atLeast: arrived.count - others.count))
        let arrived = compared(arrived)
        for line in now where !arrived.contains(line) { Issue.record("\(name), \(what), arrives only now: \(line)") }
        for line in arrived where !now.contains(line) { Issue.record("\(name), \(what), arrives no more: \(line)") }
        #expect(now.count == arrived.count, "\(name), \(what)")
    }

    /// Nothing arrives, and the answers are Vestibule's: here while the room lets nobody in.
    func withoutAPass() throws {
        try stage.startNginx()
        let phase = "c-\(verifier)"
        let after = try stage.ask(phase)
        for (request, (old, new)) in zip(requests, zip(before, after)) {
            if request.isOpen || request.isAnsweredByNginx {
                if old != new {
                    Issue.record("\(name), open, \(request.title)\n    before: \(old)\n    after:  \(new)")
                }
                // 400, or no answer: nginx does not take it for a request, or for one of this server.
            } else if !new.isOurs && !(request.isOurs && [400, 404].contains(new.status))
                && !(old == new && [0, 400].contains(old.status))
            {
                Issue.record("\(name), without a pass, \(request.title) is answered: \(new)")
            }
        }
        let open = Set(requests.filter(\.isOpen).map { "\($0.row) " })
        let expected = arrived.filter { line in open.contains { line.hasPrefix($0) } }
        let now = stage.arrivals(phase, atLeast: expected.count)
        for line in now where !expected.contains(line) { Issue.record("\(name), arrives without a pass: \(line)") }
    }

    /// With room for everybody, the gate lets a person's navigation in: the same answer, with our cookies.
    /// - Returns: how many it let in.
    func letIn() throws -> Int {
        stage.stopNginx()
        try pools.link(.open, into: stage.directory)
        try stage.startNginx()
        let phase = "e-\(verifier)"
        let after = try stage.ask(phase)
        var count = 0
        for (request, (old, new)) in zip(requests, zip(before, after)) {
            guard request.isNavigation, !request.isOpen, !request.isOurs, !request.isAnsweredByNginx else {
                if !new.isOurs, !request.isOurs, old.withoutAdmission.status != new.status {
                    Issue.record("\(name), let in, \(request.title)\n    before: \(old)\n    after:  \(new)")
                }
                continue
            }
            if request.headers.contains(where: { $0.value.contains("=forged") }) && new.isOurs { continue }
            let isSame =
                request.isSpelledAnew
                ? old.status == new.status : old.withoutAdmission == new.withoutAdmission
            if !isSame {
                Issue.record("\(name), let in, \(request.title)\n    before: \(old)\n    after:  \(new)")
            }
            count += 1
        }
        return count
    }
}
