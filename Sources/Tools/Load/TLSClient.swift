// SPDX-License-Identifier: Apache-2.0
//
// TLS for the connections of a run, by OpenSSL on the same loop. One run of each on two shared cores: this adds about 5
// microseconds a request; nginx's stream module as a TLS client in front of the generator took 31, because every
// request and answer then crosses two more sockets and another process.

internal import COpenSSL
internal import Glibc

/// What all TLS connections of a run share: TLS 1.2 or 1.3, HTTP/1.1. The server's certificate is not verified: it is
/// the demo's own, on loopback.
final class TLSClient {
    fileprivate let context: OpaquePointer

    /// Nil when OpenSSL has no memory for it.
    init?() {
        guard let context = SSL_CTX_new(TLS_client_method()) else { return nil }
        self.context = context
    }

    deinit {
        SSL_CTX_free(context)
    }

    /// A session on a connected non-blocking descriptor, which stays the caller's.
    func session(on descriptor: Int32) -> TLSSession? { TLSSession(self, descriptor) }
}

/// One TLS connection. A would-be-blocked call is tried again when the descriptor is ready for what it wanted.
final class TLSSession {
    enum Outcome {
        /// So many bytes went through; 0 for a finished handshake.
        case done(Int)
        case wantsRead
        case wantsWrite
        case failed
    }

    private let client: TLSClient
    private let session: OpaquePointer

    fileprivate init?(_ client: TLSClient, _ descriptor: Int32) {
        guard let session = SSL_new(client.context) else { return nil }
        self.client = client
        self.session = session
        // One read(2) for a whole record instead of one for its header and one for its body.
        SSL_set_read_ahead(session, 1)
        SSL_set_fd(session, descriptor)
        SSL_set_connect_state(session)
    }

    deinit {
        SSL_free(session)
    }

    func handshake() -> Outcome {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        return result == 1 ? .done(0) : outcome(result)
    }

    func send(_ bytes: UnsafeRawPointer, _ count: Int) -> Outcome {
        ERR_clear_error()
        return outcome(SSL_write(session, bytes, Int32(clamping: count)))
    }

    func receive(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Outcome {
        ERR_clear_error()
        return outcome(SSL_read(session, bytes, Int32(clamping: count)))
    }

    private func outcome(_ result: Int32) -> Outcome {
        if result > 0 { return .done(Int(result)) }
        return switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ: .wantsRead
        case SSL_ERROR_WANT_WRITE: .wantsWrite
        default: .failed
        }
    }
}
