// SPDX-License-Identifier: Apache-2.0

/// A wrong command line: told with a hint where help is.
struct UsageError: Error, CustomStringConvertible {
    var description: String
}

/// Flags as every OCI runtime takes them: `--name value`, `--name=value`, `-name value`, a single letter for some.
struct CommandFlags {
    /// Name to whether it takes a value; a letter to the name it stands for.
    struct Definition {
        var values: Set<String> = []
        var switches: Set<String> = []
        var letters: [String: String] = [:]
    }

    private(set) var values: [String: [String]] = [:]
    private(set) var switches: Set<String> = []
    /// What comes from the first word that is no flag on.
    private(set) var rest: [String] = []

    /// Reads flags up to the first word that is none (`interleaved`: or among the words, up to `--`).
    init(_ arguments: ArraySlice<String>, _ definition: Definition, interleaved: Bool = false) throws {
        var remaining = arguments
        while let word = remaining.popFirst() {
            if word == "--" {
                rest += remaining
                return
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                rest.append(word)
                if interleaved { continue }
                rest += remaining
                return
            }
            let body = word.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = definition.letters[parts[0]] ?? parts[0]
            if definition.switches.contains(name) {
                if parts.count == 1 || parts[1] == "true" {
                    switches.insert(name)
                } else if parts[1] != "false" {
                    throw UsageError(description: "flag --\(name) takes no value but true or false")
                }
            } else if definition.values.contains(name) {
                if parts.count == 2 {
                    values[name, default: []].append(parts[1])
                } else if let value = remaining.popFirst() {
                    values[name, default: []].append(value)
                } else {
                    throw UsageError(description: "flag --\(name) needs a value")
                }
            } else {
                throw UsageError(description: "unknown flag \(word)")
            }
        }
    }

    func value(_ name: String) -> String? { values[name]?.last }
    func has(_ name: String) -> Bool { switches.contains(name) }

    func number(_ name: String) throws -> Int64? {
        guard let text = value(name) else { return nil }
        guard let number = Int64(text) else { throw UsageError(description: "flag --\(name): \(text) is not a number") }
        return number
    }

    /// The words after the flags: exactly one of them, a container's id.
    func onlyID() throws -> String {
        guard rest.count == 1 else {
            throw UsageError(description: rest.isEmpty ? "a container id is required" : "too many arguments")
        }
        return rest[0]
    }
}
