// SPDX-License-Identifier: Apache-2.0
//
// Reads a scenario file. As in the configuration, unknown keys and bad values are errors that name their line.

internal import Admission
internal import Yams

extension Scenario {
    private static let day = 86_400_000

    /// - Throws: `ConfigurationError` with the line of the first thing that is wrong.
    public init(yaml: String) throws(ConfigurationError) {
        self.init()
        guard let root = try Configuration.tree(yaml) else { return }
        for (key, value) in try Configuration.members(of: root, in: "the scenario") {
            switch key.text {
            case "room":
                hasDrawnLimits = value.scalar?.string == "drawn"
                if !hasDrawnLimits { policy = try Configuration.room(value, id: "of the scenario").policy }
            case "workers": workers = try value.integer(key, in: 1...Scenario.workersMax)
            case "tick": tickMilliseconds = try value.milliseconds(key, in: 20...500)
            case "rooms": rooms = try value.integer(key, in: 1...Scenario.roomsMax)
            case "visitors": visitors = try value.integer(key, in: 1...Scenario.visitorsMax)
            case "arrive_within": arrivalMilliseconds = try value.milliseconds(key, in: 1...Scenario.day)
            case "patience": patienceMilliseconds = try value.milliseconds(key, in: 1...Scenario.day)
            case "crowd": try readCrowd(value)
            case "network": try readNetwork(value)
            case "files_differ": filesDiffer = try value.integer(key, in: 0...1) == 1
            case "chunk_edge": beginsBelowEdge = try value.integer(key, in: 0...1) == 1
            case "small_caps": hasSmallCaps = try value.integer(key, in: 0...1) == 1
            case "clock_skew": skewMilliseconds = try value.milliseconds(key, in: 0...Scenario.day)
            case "front":
                guard let read = Front(rawValue: try value.text(key)) else {
                    throw key.error("front must be api or store")
                }
                front = read
            case "faults": try readFaults(value)
            case "operator": try readOperations(value)
            case "drawn_operations": drawnOperations = try value.integer(key, in: 0...100)
            case "horizon": horizonMilliseconds = try value.milliseconds(key, in: 1000...Scenario.day)
            default: throw key.unknown(in: "the scenario")
            }
        }
    }

    private mutating func readCrowd(_ node: Node) throws(ConfigurationError) {
        crowd.patient = 0
        for (key, value) in try Configuration.members(of: node, in: "crowd") {
            let weight = try value.integer(key, in: 0...1_000_000)
            switch key.text {
            case "patient": crowd.patient = weight
            case "impatient": crowd.impatient = weight
            case "closers": crowd.closers = weight
            case "sleepers": crowd.sleepers = weight
            case "clickers": crowd.clickers = weight
            case "scripts": crowd.scripts = weight
            case "hidden": crowd.hidden = weight
            case "decliners": crowd.decliners = weight
            default: throw key.unknown(in: "crowd")
            }
        }
        if crowd.weights.reduce(0, +) == 0 { throw node.error("crowd needs somebody") }
    }

    private mutating func readNetwork(_ node: Node) throws(ConfigurationError) {
        for (key, value) in try Configuration.members(of: node, in: "network") {
            switch key.text {
            case "delay": network.delayMilliseconds = try value.milliseconds(key, in: 0...1000)
            case "jitter": network.jitterMilliseconds = try value.milliseconds(key, in: 0...1000)
            case "loss_per_mille": network.lossPerMille = try value.integer(key, in: 0...500)
            default: throw key.unknown(in: "network")
            }
        }
    }

    private mutating func readFaults(_ node: Node) throws(ConfigurationError) {
        for (key, value) in try Configuration.members(of: node, in: "faults") {
            switch key.text {
            case "until": faults.untilMilliseconds = try value.milliseconds(key, in: 0...Scenario.day)
            case "lag": faults.lagMilliseconds = try value.milliseconds(key, in: 1...60_000)
            case "length": faults.lengthMilliseconds = try value.milliseconds(key, in: 1...600_000)
            case "drops": faults.drops = try value.integer(key, in: 0...1000)
            case "stalls": faults.stalls = try value.integer(key, in: 0...1000)
            case "outages": faults.outages = try value.integer(key, in: 0...1000)
            case "restarts": faults.restarts = try value.integer(key, in: 0...1000)
            case "flushes": faults.flushes = try value.integer(key, in: 0...1000)
            case "rollbacks": faults.rollbacks = try value.integer(key, in: 0...1000)
            case "clock_steps": faults.clockSteps = try value.integer(key, in: 0...1000)
            case "clock_step": faults.clockStepMilliseconds = try value.milliseconds(key, in: 1...86_400_000)
            case "evictions": faults.evictions = try value.integer(key, in: 0...1000)
            case "deaths": faults.deaths = try value.integer(key, in: 0...1000)
            default: throw key.unknown(in: "faults")
            }
        }
    }

    private mutating func readOperations(_ node: Node) throws(ConfigurationError) {
        guard case .sequence(let items) = node else { throw node.error("operator must be a list of operations") }
        for item in items {
            var operation = Operation()
            for (key, value) in try Configuration.members(of: item, in: "an operation") {
                if key.text == "at" {
                    operation.atMilliseconds = try value.milliseconds(key, in: 0...Scenario.day)
                } else if key.text == "reset" {
                    operation.isReset = try value.integer(key, in: 0...1) == 1
                } else if let field = PolicyField(key: key.text), Operation.fields.contains(field) {
                    operation.limits[field] = try value.limit(field, key)
                } else {
                    throw key.unknown(in: "an operation")
                }
            }
            operations.append(operation)
        }
    }
}
