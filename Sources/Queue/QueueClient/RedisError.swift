// SPDX-License-Identifier: Apache-2.0
//
// What an error reply means to a call. Redis and the scripts name the kind of an error by its first word. Redis 7, as
// the scripts need it anyway, does so also when a command inside a script has failed.

enum RedisError: Equatable {
    /// The script cache is empty: nothing was executed.
    case needsScript
    /// The scripts' own: Redis does not have the room, or knows less of it than this worker.
    case needsRestore
    /// Of the server's condition, not of the call: loading, a replica, out of memory, a slot that moves. It passes.
    case passing
    /// A fault of the program or of the deployment.
    case ours

    init(_ text: String) {
        switch text.prefix(while: { $0 != " " }) {
        case "NOSCRIPT": self = .needsScript
        case ScriptError.noState.rawValue, ScriptError.rollback.rawValue: self = .needsRestore
        case "LOADING", "READONLY", "MASTERDOWN", "BUSY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN",
            "MOVED", "ASK":
            self = .passing
        default: self = .ours
        }
    }
}
