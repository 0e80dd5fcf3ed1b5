// SPDX-License-Identifier: Apache-2.0
//
// The files of this folder, embedded in the program, so that `vestibule nginx render` and the demo need no
// installation. Reading by name; filling in is in NginxTemplate.swift.

/// The templates and scripts for nginx.
public enum NginxFiles {
    private static let files: [(name: String, bytes: [UInt8])] = [
        ("vestibule-http.conf", PackageResources.vestibule_http_conf),
        ("vestibule-http-lua.conf", PackageResources.vestibule_http_lua_conf),
        ("vestibule-http-auth-request.conf", PackageResources.vestibule_http_auth_request_conf),
        ("vestibule-http-common.conf", PackageResources.vestibule_http_common_conf),
        ("vestibule-server.conf", PackageResources.vestibule_server_conf),
        ("vestibule-server-auth-request.conf", PackageResources.vestibule_server_auth_request_conf),
        ("vestibule-fastcgi-params.conf", PackageResources.vestibule_fastcgi_params_conf),
        ("vestibule-scgi-params.conf", PackageResources.vestibule_scgi_params_conf),
        ("vestibule-visitor-params.conf", PackageResources.vestibule_visitor_params_conf),
        ("vestibule-guard.conf", PackageResources.vestibule_guard_conf),
        ("vestibule-isolate.conf", PackageResources.vestibule_isolate_conf),
        ("vestibule-isolate-answers.conf", PackageResources.vestibule_isolate_answers_conf),
        ("vestibule-check.conf", PackageResources.vestibule_check_conf),
        ("vestibule-headers.conf", PackageResources.vestibule_headers_conf),
        ("vestibule-spellings.conf", PackageResources.vestibule_spellings_conf),
        ("vestibule-protect.conf", PackageResources.vestibule_protect_conf),
        ("vestibule-protect-auth-request.conf", PackageResources.vestibule_protect_auth_request_conf),
        ("vestibule.js", PackageResources.vestibule_js),
        ("vestibule.lua", PackageResources.vestibule_lua),
        ("vestibule-client.js", PackageResources.vestibule_client_js),
        ("vestibule-client.d.ts", PackageResources.vestibule_client_d_ts),
    ]

    /// The names of all files.
    public static let names: [String] = files.map(\.name)

    /// A file as it is in the folder, placeholders and all; nil when there is none of that name.
    public static func bytes(named name: String) -> [UInt8]? {
        files.first { $0.name == name }?.bytes
    }

    /// A file as text.
    public static func text(named name: String) -> String? {
        bytes(named: name).map { String(decoding: $0, as: UTF8.self) }
    }
}
