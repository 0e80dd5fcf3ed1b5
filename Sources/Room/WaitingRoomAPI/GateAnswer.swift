// SPDX-License-Identifier: Apache-2.0
//
// How the gate says that somebody waits: as a page, or as JSON for a program that was written for Cloudflare's Waiting
// Room (`api: cloudflare`). Such a program sends the same request again and again, with the cookies it got, until the
// answer is the backend's.

internal import Admission
internal import GatewayWire
internal import StrictJSON

extension GateHandler {
    func page(_ content: WaitingPage.Content, _ caller: Caller) -> GatewayResponse {
        WaitingPage.response(
            content,
            api.pageTemplate(caller.language, caller.room),
            language: caller.language,
            status: caller.room.web.pageStatus,
            isZipped: caller.takesGzip
        )
    }

    /// `{"cfWaitingRoom": {...}}`.
    func answer(_ wait: WaitFields?, _ room: Room) -> GatewayResponse {
        let body = JSONValue.members([("cfWaitingRoom", wait?.json ?? .null)]).text
        var response = GatewayResponse(
            status: room.web.pageStatus,
            contentType: "application/json",
            body: Array(body.utf8)
        )
        response.isUncacheable = true
        return response
    }

    /// Nil where neither the page nor an answer says it.
    func wait(
        _ caller: Caller,
        _ line: (place: Int, position: Int)?,
        refreshSeconds: Int?
    ) -> WaitFields? {
        let isOwn = caller.room.web.brand.map { !$0.page.isEmpty } ?? false
        guard isOwn || caller.readsWait else { return nil }
        let seconds = refreshSeconds ?? GateHandler.pageRetrySeconds
        return WaitFields(caller.room, at: line, refreshSeconds: seconds, caller.language, api)
    }
}

extension GatewayRequest {
    /// Whether this is a program that wants Cloudflare's answer. As there, it takes JSON and nothing else.
    func readsWait(_ web: WebRules) -> Bool {
        let isGet = self[.method].spells("GET") || self[.method].spells("HEAD")
        return web.speaksCloudflare && isGet && self[.accept].spells("application/json") && self[.errand].isEmpty
            && !isForeign(to: web)
    }
}
