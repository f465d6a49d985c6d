// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@testable import KubeAPI

/// What Events may be about, and what nodes may report of their addresses.
struct EventValidationTests {
    private func errors(
        _ kind: String, _ object: JSONValue, group: String = "", old: JSONValue? = nil, subresource: String = "",
        namespaced: Bool = true
    ) -> [String] {
        Validation.validate(
            group: group, kind: kind, namespaced: namespaced, new: object, old: old, subresource: subresource
        ).map(\.description)
    }

    private func event(_ namespace: String, about subject: String?, _ fields: [String: JSONValue] = [:]) -> JSONValue {
        var event: JSONValue = [
            "metadata": ["name": "e.1", "namespace": .string(namespace), "resourceVersion": "1"],
            "involvedObject": ["kind": "Pod", "name": "p"], "reason": "Tried", "message": "m", "type": "Warning",
            "source": ["component": "kubelet", "host": "n"], "count": 1,
        ]
        if let subject { event["involvedObject"]?["namespace"] = .string(subject) }
        for (field, value) in fields { event[field] = value }
        return event
    }

    @Test(
        arguments: [
            ("a", "a", true), ("a", "b", false), ("a", "kube-system", false), ("a", nil, false), ("default", nil, true),
            ("kube-system", nil, false), ("default", "a", false),
        ] as [(String, String?, Bool)])
    func `an Event is about what is in its namespace`(namespace: String, subject: String?, isFine: Bool) {
        let found = errors("Event", event(namespace, about: subject))
        let complaint =
            "involvedObject.namespace: Invalid value: \"\(subject ?? "")\": does not match event.namespace"
        #expect(found == (isFine ? [] : [complaint]))
        // What is there already does not make it good.
        #expect(errors("Event", event(namespace, about: subject), old: event(namespace, about: subject)) == found)
    }

    private static let modern: [String: JSONValue] = [
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingComponent": "example.com/c", "reportingInstance": "c-1",
        "action": "Trying",
    ]

    @Test func `an Event with a time of its own says who tells what, in few words`() {
        #expect(errors("Event", event("a", about: "a", Self.modern)) == [])
        #expect(errors("Event", event("kube-system", about: nil, Self.modern)) == [])
        #expect(errors("Event", event("a", about: "b", Self.modern)).count == 1)
        #expect(errors("Event", event("a", about: nil, Self.modern)).count == 1)
        let long = JSONValue.string(String(repeating: "x", count: 129))
        for (field, limit) in [("reportingInstance", 128), ("action", 128), ("reason", 128)] {
            var wrong = event("a", about: "a", Self.modern)
            wrong[field] = long
            #expect(errors("Event", wrong) == ["\(field): Invalid value: \"\": can have at most \(limit) characters"])
            wrong[field] = nil
            #expect(errors("Event", wrong) == ["\(field): Required value"])
        }
        var wrong = event("a", about: "a", Self.modern)
        wrong["message"] = .string(String(repeating: "x", count: 1025))
        #expect(errors("Event", wrong) == ["message: Invalid value: \"\": can have at most 1024 characters"])
        wrong = event("a", about: "a", Self.modern)
        wrong["reportingComponent"] = "a b"
        #expect(errors("Event", wrong).first?.hasPrefix("reportingComponent: Invalid value: \"a b\"") == true)
        // Without a time, who writes as before writes as much as before.
        #expect(errors("Event", event("a", about: "a", ["action": long])) == [])
    }

    @Test func `the group of Events asks for all its fields, and changes little`() {
        func event(_ fields: [String: JSONValue] = [:]) -> JSONValue {
            var event: JSONValue = [
                "metadata": ["name": "e.1", "namespace": "a", "resourceVersion": "1"],
                "regarding": ["kind": "Pod", "name": "p", "namespace": "a"], "reason": "Tried", "note": "m",
                "type": "Normal", "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "c",
                "reportingInstance": "c-1", "action": "Trying",
            ]
            for (field, value) in fields { event[field] = value }
            return event
        }
        func found(_ event: JSONValue, old: JSONValue? = nil) -> [String] {
            errors("Event", event, group: "events.k8s.io", old: old)
        }
        #expect(found(event()) == [])
        #expect(found(event(["type": "Loud"])) == ["type: Invalid value: \"\": has invalid value: Loud"])
        #expect(found(event(["deprecatedCount": 1])) == ["count: Invalid value: \"\": needs to be unset"])
        #expect(
            found(event(["deprecatedSource": ["host": "n"]])) == ["source: Invalid value: \"\": needs to be unset"])
        #expect(found(event(["eventTime": .null])) == ["eventTime: Required value"])
        #expect(
            found(event(["regarding": ["kind": "Pod", "namespace": "b"]])) == [
                "involvedObject.namespace: Invalid value: \"b\": does not match event.namespace"
            ])
        let series: JSONValue = ["count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"]
        #expect(found(event(["series": series]), old: event()) == [])
        #expect(found(event(["series": ["count": 1]]), old: event()).count == 2)
        #expect(
            found(event(["note": "other"]), old: event()) == ["message: Invalid value: \"other\": field is immutable"])
        #expect(found(event(["eventTime": "2026-01-01T00:00:00.000000123Z"]), old: event()) == [])
        #expect(found(event(["eventTime": "2026-01-01T00:00:00.000001Z"]), old: event()).count == 1)
    }

    @Test func `nobody reports an address with a zone`() {
        let complaint = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        let meta: JSONValue = ["name": "x", "namespace": "default", "resourceVersion": "1"]
        func pod(_ status: JSONValue) -> JSONValue { ["metadata": meta, "status": status] }
        let zoned = pod(["podIPs": [["ip": "10.0.0.1"], ["ip": "fd99::77%1"]], "hostIP": "fe80::1%eth0"])
        #expect(
            errors("Pod", zoned, old: pod([:]), subresource: "status") == [
                "status.podIPs[1]: Invalid value: \"fd99::77%1\": \(complaint)",
                "status.hostIP: Invalid value: \"fe80::1%eth0\": \(complaint)",
            ])
        #expect(errors("Pod", zoned, old: zoned, subresource: "status") == [])
        let plain = pod([
            "podIP": "10.0.0.1", "podIPs": [["ip": "10.0.0.1"], ["ip": "fd99::77"]], "hostIP": "192.0.2.1",
            "hostIPs": [["ip": "192.0.2.1"]],
        ])
        #expect(errors("Pod", plain, old: pod([:]), subresource: "status") == [])
        func node(_ type: String, _ address: String) -> JSONValue {
            [
                "metadata": ["name": "n", "resourceVersion": "1"],
                "status": ["addresses": [["type": .string(type), "address": .string(address)]]],
            ]
        }
        for subresource in ["", "status"] {
            func found(_ new: JSONValue, _ old: JSONValue) -> [String] {
                errors("Node", new, old: old, subresource: subresource, namespaced: false)
            }
            let before = node("Hostname", "n")
            #expect(found(node("Hostname", "n%1"), before) == [])
            #expect(found(node("InternalIP", "fd99::1"), before) == [])
            #expect(
                found(node("InternalIP", "fd99::1%1"), before) == [
                    "status.addresses[0].address: Invalid value: \"fd99::1%1\": \(complaint)"
                ])
            #expect(found(node("ExternalIP", "fd99::1%1"), before).count == 1)
        }
    }
}
