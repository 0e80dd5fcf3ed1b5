// SPDX-License-Identifier: Apache-2.0
//
// What a program does with a gateway server of either protocol once it has started.

/// A server of ``FastCGIServer`` or ``SCGIServer``. It stays alive, kept by its loop, until it is drained.
public class GatewayServer {
    private let core: ServerCore

    init(core: ServerCore) {
        self.core = core
    }

    /// What has been counted so far.
    public final var counters: GatewayCounters { core.counters }

    /// Closes the listener. Open connections go on.
    public final func stopAccepting() {
        core.stopAccepting()
    }

    /// Closes the listener and the idle connections, finishes the requests in flight, then calls `completion` once.
    ///
    /// It takes at most `answerMilliseconds` or `partialRequestMilliseconds`, whichever is longer. A request that nginx
    /// sends on an idle connection at the moment it is closed is sent by nginx to another worker if it may be repeated.
    public final func drain(_ completion: @escaping () -> Void) {
        core.drain(completion)
    }
}
