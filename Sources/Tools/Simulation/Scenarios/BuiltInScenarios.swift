// SPDX-License-Identifier: Apache-2.0
//
// The scenarios that come with the program. They are files like those of a user, and the same reader reads them
// (Configuration). A test parses each of them.

public import Configuration

public enum BuiltInScenarios {
    private static let texts: [(name: String, bytes: [UInt8])] = [
        ("calm", PackageResources.calm_yaml),
        ("leavers", PackageResources.leavers_yaml),
        ("sleepers", PackageResources.sleepers_yaml),
        ("scripts", PackageResources.scripts_yaml),
        ("hidden", PackageResources.hidden_yaml),
        ("decliners", PackageResources.decliners_yaml),
        ("faults", PackageResources.faults_yaml),
        ("upheaval", PackageResources.upheaval_yaml),
        ("operator", PackageResources.operator_yaml),
        ("rooms", PackageResources.rooms_yaml),
        ("million", PackageResources.million_yaml),
    ]

    public static var names: [String] { texts.map(\.name) }

    /// The file of a scenario; nil for a name that there is not.
    public static func text(_ name: String) -> String? {
        texts.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// - Throws: `ConfigurationError` never, as long as the tests of the built-in files pass.
    public static func scenario(_ name: String) throws -> Scenario? { try text(name).map { try Scenario(yaml: $0) } }
}
