// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    /// Lifecycle handlers and probes of a container that runs beside others.
    mutating func handlers(of container: JSONValue, _ path: FieldPath) {
        for hook in ["postStart", "preStop"] {
            if let handler = container["lifecycle"]?[hook] {
                action(handler, ["exec", "httpGet", "tcpSocket", "sleep"], path["lifecycle"][hook])
            }
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if let probe = container[name] { self.probe(probe, name, path[name]) }
        }
    }

    private mutating func probe(_ probe: JSONValue, _ kind: String, _ path: FieldPath) {
        action(probe, ["exec", "httpGet", "tcpSocket", "grpc"], path)
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            nonNegative(probe[field], path[field])
        }
        if let grace = probe["terminationGracePeriodSeconds"]?.integer {
            if kind == "readinessProbe" {
                add(.invalid(path["terminationGracePeriodSeconds"], grace, "must not be set for readinessProbes"))
            } else if grace <= 0 {
                add(.invalid(path["terminationGracePeriodSeconds"], grace, Self.notPositive))
            }
        }
        if kind != "readinessProbe", let threshold = probe["successThreshold"]?.integer, threshold != 1 {
            add(.invalid(path["successThreshold"], threshold, "must be 1"))
        }
    }

    private mutating func action(_ handler: JSONValue, _ kinds: [String], _ path: FieldPath) {
        let present = kinds.filter { handler[$0] != nil }
        if present.isEmpty { add(.required(path, "must specify a handler type")) }
        for extra in present.dropFirst() { add(.forbidden(path[extra], "may not specify more than 1 handler type")) }
        guard let kind = present.first, let body = handler[kind] else { return }
        let place = path[kind]
        switch kind {
        case "exec":
            if body["command"]?.array?.isEmpty ?? true { add(.required(place["command"])) }
        case "httpGet":
            required(body["path"], place["path"])
            port(body["port"], place["port"])
            choice(body["scheme"], ["HTTP", "HTTPS"], place["scheme"])
            for header in body["httpHeaders"]?.array ?? [] {
                check(
                    Names.httpHeader(header["name"]?.string ?? ""), place["httpHeaders"], header["name"]?.string ?? "")
            }
        case "tcpSocket": port(body["port"], place["port"])
        case "grpc": range(body["port"] ?? 0, 1, 65535, place["port"])
        default: nonNegative(body["seconds"], place["seconds"])
        }
    }

    /// A port's number or name.
    mutating func port(_ value: JSONValue?, _ path: FieldPath) {
        switch value {
        case .string(let name)?: check(Names.portName(name), path, name)
        default: range(value ?? 0, 1, 65535, path)
        }
    }
}
