// SPDX-License-Identifier: Apache-2.0
//
// What a request at the gate is for. Only a person who opens a page is a visitor: fonts, webhooks, sockets, monitors
// and what a browser fetches in advance take no place in a queue of people.

internal import Admission
internal import GatewayWire

enum Errand {
    /// A person opens a page. Nothing else takes a number or enters.
    case navigation
    /// A person opens a page by a form of another site. That page may be anybody's, so the form takes no place; but a
    /// bank's answer is one, too, and goes on as a program's request does.
    case foreignForm
    /// A browser asks what a page of a listed origin may send here.
    case preflight
    /// A part of a page, a socket, a page fetched in advance, or a program.
    case other

    init(_ request: GatewayRequest, _ web: WebRules) {
        let method = request[.method]
        if method.spells("OPTIONS"), request.hasListedOrigin(web) {
            self = .preflight
        } else if !Errand.isNavigation(request, web) {
            self = .other
        } else {
            let isForm = method.spells("POST")
            self = isForm && request.isForeign(to: web) ? .foreignForm : .navigation
        }
    }

    private static func isNavigation(_ request: GatewayRequest, _ web: WebRules) -> Bool {
        // nginx has seen a header that says so: see $vsb_errand.
        guard request[.errand].isEmpty else { return false }
        if request.readsWait(web) { return true }
        let (method, mode, destination) = (request[.method], request[.fetchMode], request[.fetchDestination])
        let isGet = method.spells("GET") || method.spells("HEAD")
        let accept = AcceptHeader(request[.accept])
        // Browsers before 2023, and all of them where there is no TLS, do not say what a request is for.
        if mode.isEmpty, destination.isEmpty { return isGet && accept.prefersHTML }
        guard mode.isEmpty || mode.spells("navigate"), isGet || method.spells("POST"), accept.allowsHTML else {
            return false
        }
        if destination.isEmpty || destination.spells("document") { return true }
        // In a frame of another site a browser keeps no cookies with SameSite=Lax: each look would be another visitor.
        let isFrame = destination.spells("iframe") || destination.spells("frame")
        return isFrame && (web.isForOtherSites || !request.isCrossSite)
    }
}
