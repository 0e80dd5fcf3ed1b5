// SPDX-License-Identifier: Apache-2.0
//
// `protect` of a room and `api_prefix`: every key is read, and what is wrong is refused with its line and its key.

import Configuration
import NginxFiles
import Testing

struct ProtectionTests {
    private func read(_ protect: String, more: String = "") throws(ConfigurationError) -> Configuration {
        try Configuration(yaml: "rooms:\n  demo:\n    protect: \(protect)\n\(more)")
    }

    @Test("A room without protect protects nothing; an empty protect has the defaults")
    func defaults() throws {
        #expect(try Configuration(yaml: "rooms: {demo: {}}\n").protectedRooms.isEmpty)
        let room = try #require(try read("{}").protectedRooms.first)
        #expect(room.id == "demo" && room.protection == RoomProtection())
        #expect(room.protection.paths == ["/"] && room.protection.hosts.isEmpty)
        #expect(room.protection.builtIns == [.acme, .robots, .preflight])
        #expect(try read("{}").apiPrefix == "/api/v1/queue")
    }

    @Test("Every key is read")
    func everyKey() throws {
        let read = try Configuration(
            yaml: """
                api_prefix: /queue.v2
                rooms:
                  demo:
                    protect:
                      hosts: [Shop.Example.com, "*.shop.example.com", "[::1]"]
                      paths: [/buy/, /한국]
                      internal: /files/
                      built_in: [acme]
                      except:
                        - /static/
                        - {path: /hooks/, method: [POST, PUT], header: "X-Hook:  a: b"}
                        - {header: X-Probe}
                        - {user_agent: Uptime Robot, address: 10.0.0.0/8}
                        - {address: ["2001:db8::/32", 192.0.2.7, "::1"], method: GET}
                  other:
                    protect: {built_in: off, paths: /}
                """
        )
        var (hook, probe, robot, near) = (
            RoomProtection.Exception(path: "/hooks/"), RoomProtection.Exception(), RoomProtection.Exception(),
            RoomProtection.Exception()
        )
        (hook.methods, hook.header) = (["POST", "PUT"], ("X-Hook", "a: b"))
        probe.header = ("X-Probe", nil)
        (robot.userAgent, robot.addresses) = ("Uptime Robot", ["10.0.0.0/8"])
        (near.addresses, near.methods) = (["2001:db8::/32", "192.0.2.7", "::1"], ["GET"])
        var (demo, other) = (RoomProtection(), RoomProtection())
        demo.hosts = ["shop.example.com", "*.shop.example.com", "[::1]"]
        demo.paths = ["/buy/", "/한국"]
        demo.internalPaths = ["/files/"]
        demo.builtIns = [.acme]
        demo.exceptions = [RoomProtection.Exception(path: "/static/"), hook, probe, robot, near]
        other.builtIns = []
        #expect(read.protectedRooms.map(\.protection) == [demo, other])
        #expect(read.apiPrefix == "/queue.v2")
    }

    @Test(
        "What is wrong names its key",
        arguments: [
            ("{path: /}", "unknown key path in rooms.demo.protect"), ("[/]", "rooms.demo.protect must be a mapping"),
            ("{paths: []}", "rooms.demo.protect.paths: at least one"),
            ("{paths: [x]}", "rooms.demo.protect.paths: x: a"),
            ("{paths: [/a, /a]}", "rooms.demo.protect.paths: /a is given twice"), ("{paths: [/a*]}", "below it"),
            ("{paths: [/a%20b]}", "written decoded"), ("{paths: [\"/a b\"]}", "no spaces"),
            ("{paths: [/a//b]}", "empty"),
            ("{paths: [/a/../b]}", "no .."), ("{paths: [/a?b]}", "query"), ("{paths: [/_vestibule/x]}", "own"),
            ("{paths: [{a: b}]}", "must be a list of texts"), ("{paths: [\"/a\\nb\"]}", "control"),
            ("{hosts: [\"a.test:80\"]}", "no port"), ("{hosts: [\"https://a\"]}", "no port"),
            ("{hosts: [a..b]}", "a name"),
            ("{hosts: [\"*\"]}", "a name"), ("{hosts: [\"a b\"]}", "a name"), ("{hosts: [\"a;b\"]}", "a name"),
            ("{built_in: [captcha]}", "acme, robots, preflight"), ("{except: /x}", "except must be a list"),
            ("{except: [{}]}", "except[0] needs"), ("{except: [/a, {paths: /x}]}", "unknown key paths"),
            ("{except: [/a, x]}", "except[1]: x"), ("{except: [{method: get}]}", "except[0].method: get: a method"),
            ("{except: [{header: \"a b\"}]}", "header: a header is"), ("{except: [{header: \"X:\"}]}", "1 to 256"),
            ("{except: [{header: X-Vestibule-Pass}]}", "own"), ("{except: [{user_agent: \"\"}]}", "needs a value"),
            ("{except: [{address: 10.0.0.1/8}]}", "except[0].address: 10.0.0.1/8: has bits"),
            ("{except: [{address: 10.0.0.0/33}]}", "a block such as"), ("{except: [{address: a.test}]}", "a block"),
            ("{except: [{address: \"2001:db8::1/32\"}]}", "has bits"), ("{except: [{address: \"::/x\"}]}", "a block"),
        ]
    )
    func errors(_ protect: String, _ complaint: String) {
        do {
            _ = try read(protect)
            Issue.record("taken: \(protect)")
        } catch {
            #expect(error.line == 3 && error.message.contains(complaint), "\(error)")
        }
    }

    @Test("Lists are bounded")
    func bounds() throws {
        func paths(_ count: Int) -> String { "{paths: [\((1...count).map { "/p\($0)" }.joined(separator: ", "))]}" }
        #expect(try read(paths(64)).protectedRooms[0].protection.paths.count == 64)
        #expect(throws: ConfigurationError.self) { try read(paths(65)) }
        func rules(_ count: Int) -> String { "{except: [\((1...count).map { "/p\($0)" }.joined(separator: ", "))]}" }
        #expect(try read(rules(64)).protectedRooms[0].protection.exceptions.count == 64)
        #expect(throws: ConfigurationError.self) { try read(rules(65)) }
        #expect(throws: ConfigurationError.self) { try read("{paths: [/\(String(repeating: "x", count: 256))]}") }
    }

    @Test("Two rooms cannot both have the same path of the same host")
    func conflict() {
        do {
            _ = try read("{hosts: [a.test, b.test]}", more: "  other:\n    protect: {hosts: [b.test]}\n")
            Issue.record("taken")
        } catch {
            #expect(error.line == 4 && error.message.hasPrefix("rooms.other.protect.paths: room demo"), "\(error)")
        }
        #expect(throws: Never.self) {
            _ = try read("{hosts: [a.test]}", more: "  other:\n    protect: {paths: [/], hosts: [b.test]}\n")
        }
    }

    @Test(
        "A prefix is a path",
        arguments: ["queue", "/", "/queue/", "//queue", "/q q", "/q?x", "/_vestibule/api", "/a/../b"]
    )
    func prefixes(_ prefix: String) {
        do {
            _ = try Configuration(yaml: "rooms: {demo: {}}\napi_prefix: \"\(prefix)\"\n")
            Issue.record("taken: \(prefix)")
        } catch {
            #expect(error.line == 2 && error.message.contains("api_prefix"), "\(error)")
        }
    }
}
