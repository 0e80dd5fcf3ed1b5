// SPDX-License-Identifier: Apache-2.0
//
// Room templates, as the file says them.

import Admission
import Configuration
import Testing

struct RoomTemplateTests {
    private func read(_ rooms: String) throws -> Configuration {
        try Configuration(yaml: "rooms:\n\(rooms)\npoll_budget: 500\n")
    }

    @Test("A template is a room's limits for all names that begin in one way")
    func values() throws {
        let file = try read("  \"evt_*\": {rate: 7, api: reference, max_rooms: 3, forget_after: 20s, return_grace: 1s}")
        #expect(file.rooms.isEmpty)
        let template = try #require(file.templates.first)
        #expect(template.prefix == "evt_" && template.entry.id == "evt_*" && template.entry.policy.rateMilli == 7000)
        #expect(template.entry.web.speaksReference && template.entry.policy.pollBudget == 500)
        #expect(template.roomsMax == 3 && template.forgottenAfterMilliseconds == 20_000)
        let standard = try #require(try read("  \"evt_*\":").templates.first)
        #expect(standard.roomsMax == 1000 && standard.forgetAfterMilliseconds == 600_000)
        let patient = try #require(try read("  \"evt_*\": {forget_after: 1s, return_grace: 2m}").templates.first)
        #expect(patient.forgottenAfterMilliseconds == 120_000, "somebody may still come back to a place")
    }

    @Test("pass_max is twelve passes, a day at most, none with pass_renewal: fixed, or what the file says")
    func passMax() throws {
        func passMax(_ text: String) throws -> Int {
            try #require(try read("  demo: {\(text)}").rooms.first).policy.passMaxMilliseconds
        }
        #expect(try passMax("rate: 1") == 7_200_000 && passMax("pass_ttl: 1m") == 720_000)
        #expect(try passMax("pass_ttl: 20h") == 86_400_000 && passMax("pass_renewal: fixed, pass_ttl: 1m") == 0)
        #expect(try passMax("pass_renewal: sliding, pass_max: 90s") == 90_000)
        #expect(throws: ConfigurationError.self) { try passMax("pass_renewal: fixed, pass_max: 90s") }
        #expect(throws: ConfigurationError.self) { try passMax("pass_renewal: often") }
        #expect(throws: ConfigurationError.self) { try passMax("pass_max: 25h") }
    }

    @Test("The longest beginning has a name")
    func longest() throws {
        let file = try read("  \"evt_*\": {rate: 1}\n  \"evt_load*\": {rate: 2}\n  \"evt_l*\": {rate: 3}")
        #expect(file.template(of: "evt_loadtest_0")?.prefix == "evt_load")
        #expect(file.template(of: "evt_lo")?.prefix == "evt_l")
        #expect(file.template(of: "evt_")?.prefix == "evt_")
        #expect(file.template(of: "other") == nil)
    }

    @Test(
        "A bad template is refused with its line",
        arguments: [
            ("\"*\": {}", "a template is the beginning"), ("\"_a*\": {}", "a template is"),
            ("\"a*b*\": {}", "a template is"), ("\"Evt*\": {}", "a template is"), ("\"a**\": {}", "a template is"),
            ("\"\(String(repeating: "a", count: 64))*\": {}", "a template is"),
            ("\"evt_*\": {max_rooms: 0}", "max_rooms must be"), ("\"evt_*\": {max_rooms: 10001}", "max_rooms must be"),
            ("\"evt_*\": {forget_after: 5}", "forget_after must be"), ("\"evt_*\": {rte: 5}", "unknown key rte"),
            ("\"evt_*\": {protect: {paths: [/]}}", "protect needs a room's whole name"),
            ("\"evt_*\": {rate: 15001}", "rate"), ("\"evt_*\": [1]", "must be a mapping"),
            ("demo: {max_rooms: 1}", "unknown key max_rooms"),
        ]
    )
    func refused(_ text: String, _ part: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try read("  \(text)") }
        #expect(error?.line == 2 && error?.message.contains(part) == true, "\(String(describing: error))")
    }
}
