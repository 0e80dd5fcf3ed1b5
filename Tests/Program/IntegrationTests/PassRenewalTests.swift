// SPDX-License-Identifier: Apache-2.0
//
// Goal: somebody who is inside and goes on asking stays inside, with each verifier, up to pass_max and no longer; and a
// room with pass_renewal: fixed ends each pass when it said.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct PassRenewalTests {
        /// Asks twice a second with the newest pass, until the backend is not reached. Returns for how many seconds it
        /// was, and how many passes came.
        private func stay(_ client: HTTPClient, _ stack: DemoStack) throws -> (seconds: Double, passes: Int) {
            let joined = try client.join()
            var (pass, passes) = (joined.pass, 0)
            let began = Date()
            while Date().timeIntervalSince(began) < 30 {
                let answer = try client.get("/shop", ("Cookie", "vestibule-pass-demo=\(pass)"), ("Accept", "text/html"))
                guard answer.text.contains("This is the backend") else { break }
                if let new = answer.cookie("vestibule-pass-demo") {
                    (pass, passes) = (new, passes + 1)
                    #expect(try stack.redis("ZCARD", "vq:{demo}:active") == "1", "the place goes with the pass")
                    let post = try client.send(
                        "POST",
                        "/post",
                        headers: [("Cookie", "vestibule-pass-demo=\(pass)")],
                        body: "a=1"
                    )
                    #expect(post.text.contains("This is the backend"))
                }
                sleepMilliseconds(500)
            }
            return (Date().timeIntervalSince(began), passes)
        }

        @Test(arguments: ["njs", "lua", "auth-request"])
        func `a visitor who goes on asking is inside up to pass_max`(verifier: String) throws {
            let rooms = "  demo: {rate: 1, burst: 1, max_active: 1, pass_ttl: 3s, pass_max: 8s}"
            let stack = try DemoStack(rooms: rooms, options: ["--verifier", verifier])
            let stay = try stay(stack.client(), stack)
            // The leeway of a pass is five seconds beyond its end.
            #expect((8...15).contains(stay.seconds) && (2...4).contains(stay.passes), "\(stay)")
        }

        @Test func `with pass_renewal fixed a pass ends when it said`() throws {
            let rooms = "  demo: {rate: 1, burst: 1, max_active: 1, pass_ttl: 3s, pass_renewal: fixed}"
            let stack = try DemoStack(rooms: rooms)
            let stay = try stay(stack.client(), stack)
            #expect((3...10).contains(stay.seconds) && stay.passes == 0, "\(stay)")
        }
    }
}
