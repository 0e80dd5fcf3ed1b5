// SPDX-License-Identifier: Apache-2.0
//
// Signing and verifying passes: JSON Web Tokens (KeyRing+JWT.swift) with six claims. nginx/vestibule.js and
// nginx/vestibule.lua do the same steps in the same order; Tests/Program/NginxTests runs all of them through one table.

import StrictJSON

extension KeyRing {
    /// The token for a pass, made with the signing key. The same pass gives the same bytes.
    public func sign(_ pass: Pass) -> [UInt8] {
        let binding = pass.binding.map { #","bnd":"\#($0.claim)""# } ?? ""
        let claims =
            #"{"iss":"vestibule","aud":"\#(pass.room)","sub":"\#(pass.number)","jti":"\#(pass.jti)","#
            + #""iat":\#(pass.issuedAtSeconds),"exp":\#(pass.expiresAtSeconds)\#(binding)}"#
        return signedJWT(claims: claims.utf8, by: prepared[0].pass)
    }

    /// A `jti` that depends on nothing but its arguments and the signing key, so that entering twice gives the same
    /// pass.
    ///
    /// The first 16 bytes of a MAC under a key of its own, as 22 characters.
    /// - Parameter isRenewable: whether the entry can be lengthened.
    public func passIdentifier(
        room: String,
        generation: Int64,
        number: Int64,
        expiresAtMilliseconds: Int64,
        isRenewable: Bool = false
    ) -> String {
        let message = "\(room).\(generation).\(number).\(expiresAtMilliseconds)"
        let code = prepared[0].passIdentifier.code(for: Array(message.utf8)).prefix(16)
        let name = Base64URL.encodeString(code)
        return isRenewable ? Pass.renewable(name, generation: generation) : name
    }

    /// Says whether a token opens a room at a time given in seconds since the Unix epoch.
    ///
    /// - Parameter client: who shows it; asked for only when the pass is bound. Nil is nobody in particular, for whom a
    ///   bound pass is another client's.
    public func verifyPass(
        _ bytes: [UInt8],
        room: String,
        nowSeconds: Int64,
        client: @autoclosure () -> PassClient? = nil
    ) -> PassVerdict {
        let pass: Pass
        switch openJWT(bytes, byteCountMax: Pass.byteCountMax, by: { $0.pass }) {
        case .malformed: return .malformed
        case .forged: return .forged
        case .claims(let claims):
            guard let read = KeyRing.pass(from: claims) else { return .malformed }
            pass = read
        }
        guard pass.room == room else { return .foreign }
        guard nowSeconds < pass.expiresAtSeconds + Pass.leewaySeconds else { return .expired }
        guard let binding = pass.binding else { return .valid(pass) }
        return client().map(binding.holds) == true ? .valid(pass) : .otherClient(pass)
    }

    /// Reads the claims, which a key of the ring has signed: exactly the six of a pass, each of its own kind, and `bnd`
    /// where it is bound.
    private static func pass(from claims: JSONValue) -> Pass? {
        let sent = claims["bnd"]
        let binding = (sent?.stringValue).flatMap(PassBinding.init(claim:))
        guard claims.objectValue?.count == (sent == nil ? 6 : 7), sent == nil || binding != nil,
            let common = CommonClaims(claims, issuer: "vestibule"), let number = positiveInteger(common.subject.utf8),
            let jti = claims["jti"]?.stringValue, Pass.isIdentifier(jti)
        else { return nil }
        return Pass(
            room: common.room,
            number: number,
            jti: jti,
            issuedAtSeconds: common.issuedAtSeconds,
            expiresAtSeconds: common.expiresAtSeconds,
            binding: binding
        )
    }

    /// The first good one among the values of a cookie, else the first with what is wrong with it; nil without any.
    public func verifyPass(
        amongst values: [[UInt8]],
        room: String,
        nowSeconds: Int64,
        client: PassClient
    ) -> (value: [UInt8], verdict: PassVerdict)? {
        var first: (value: [UInt8], verdict: PassVerdict)?
        for value in values {
            let verdict = verifyPass(value, room: room, nowSeconds: nowSeconds, client: client)
            if case .valid = verdict { return (value, verdict) }
            if first == nil { first = (value, verdict) }
        }
        return first
    }
}
