// SPDX-License-Identifier: Apache-2.0
//
// Filling in the files: nothing is left open, nothing is given in vain, and no value breaks out of its place.

import NginxFiles
import Testing

@Suite struct TemplateTests {
    private func configuration() -> NginxConfiguration {
        NginxConfiguration(
            directory: "/etc/vestibule",
            keysFile: "/etc/vestibule/keys.json",
            workerSockets: ["/run/w0.sock"]
        )
    }

    private func error(_ change: (inout NginxConfiguration) -> Void) -> NginxTemplateError? {
        var configuration = configuration()
        change(&configuration)
        do {
            _ = try configuration.renderedFiles()
            return nil
        } catch { return error }
    }

    @Test func everyVariantHasTheThreeFilesASiteIncludesAndNothingOpen() throws {
        for verifier in NginxConfiguration.Verifier.allCases {
            for gateway in NginxConfiguration.Gateway.allCases {
                var configuration = configuration()
                (configuration.verifier, configuration.gateway) = (verifier, gateway)
                let files = try configuration.renderedFiles()
                let names = files.map(\.name)
                #expect(Set(names).count == names.count)
                #expect(
                    Set(["vestibule-http.conf", "vestibule-server.conf", "vestibule-protect.conf"]).isSubset(of: names)
                )
                for (name, text) in files {
                    #expect(!text.contains("{{") && text.contains("SPDX-License-Identifier"), "\(name)")
                    for included in text.matches(of: /"\/etc\/vestibule\/(vestibule[^"]*)"/) {
                        #expect(names.contains(String(included.1)), "\(name) includes \(included.1)")
                    }
                }
            }
        }
    }

    @Test func everyEmbeddedFileIsUsedBySomeVariantAndHasText() {
        for name in NginxFiles.names { #expect(NginxFiles.text(named: name)?.isEmpty == false) }
        #expect(NginxFiles.bytes(named: "nothing.conf") == nil)
    }

    @Test func aPlaceholderWithoutAValueIsAnError() {
        let values = ["DIRECTORY": "/d"]
        #expect(throws: NginxTemplateError.unfilled(placeholder: "KEYS_FILE", file: "vestibule-http.conf")) {
            try NginxTemplate.render("vestibule-http.conf", values: values)
        }
    }

    @Test func aValueWithoutAPlaceholderIsAnError() {
        let values = ["DIRECTORY": "/d", "KEYS_FILE": "/k", "GUARD_VERDICTS": "", "KEY_FILE": "/k"]
        #expect(throws: NginxTemplateError.unknown(placeholder: "KEY_FILE", file: "vestibule-http.conf")) {
            try NginxTemplate.render("vestibule-http.conf", values: values)
        }
        #expect(throws: NginxTemplateError.unknownFile("x.conf")) { try NginxTemplate.render("x.conf", values: [:]) }
    }

    @Test(arguments: ["", "relative", "/a b", "/a;b", "/a\"b", "/a$b", "/a{b", "/a\\b", "/a\nb", "/a*b", "/a'b"])
    func aPathThatNginxWouldReadOtherwiseIsRefused(path: String) {
        #expect(error { $0.directory = path } == .unsafeValue(name: "directory", value: path))
        #expect(error { $0.keysFile = path } == .unsafeValue(name: "keysFile", value: path))
        #expect(error { $0.workerSockets = ["/good", path] } == .unsafeValue(name: "workerSockets", value: path))
    }

    @Test func ratesBurstsAndAddressesAreChecked() {
        for rate in ["", "r/s", "0r/s", "-1r/s", "5", "5r/h", "5 r/s", "9999999r/s", "5r/s; x"] {
            #expect(error { $0.apiRate = rate } == .unsafeValue(name: "apiRate", value: rate))
        }
        for burst in [0, -1, 100_001] { #expect(error { $0.apiBurst = burst } != nil) }
        for block in ["", "10.0.0.0/8 1; x", "a;b"] { #expect(error { $0.limitExempt = [block] } != nil) }
        #expect(error { $0.workerSockets = [] } != nil)
        #expect(error { $0.limitExempt = ["10.0.0.0/8", "::1"] } == nil)
        #expect(error { $0.apiRate = "30r/m" } == nil)
    }
}
