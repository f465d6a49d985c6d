// SPDX-License-Identifier: Apache-2.0

/// What the methods of HTTP are as verbs of rights, for API servers and kubelets.
public enum RequestVerb {
    /// Empty for a method that is none.
    public static func of(_ method: String) -> String {
        switch method {
        case "GET", "HEAD": "get"
        case "POST": "create"
        case "PUT": "update"
        case "PATCH": "patch"
        case "DELETE": "delete"
        default: ""
        }
    }
}
