// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    static let maximumEventText = 128
    static let maximumEventNote = 1024

    /// What the two forms of an Event call the same field.
    private struct EventFields {
        var subject, controller, message, source, first, last, count: String

        static let core = EventFields(
            subject: "involvedObject", controller: "reportingComponent", message: "message", source: "source",
            first: "firstTimestamp", last: "lastTimestamp", count: "count")
        static let own = EventFields(
            subject: "regarding", controller: "reportingController", message: "note", source: "deprecatedSource",
            first: "deprecatedFirstTimestamp", last: "deprecatedLastTimestamp", count: "deprecatedCount")
    }

    /// An Event of the core group: what it is about is in its own namespace, and one with a time of its own says who tells
    /// what. Clients from before that time leave the rest as they like.
    mutating func coreEvent(_ event: JSONValue) { subjectAndText(event, .core) }

    /// An Event of `events.k8s.io`, held to all that this group asks.
    mutating func event(_ event: JSONValue) {
        let fields = EventFields.own
        subjectAndText(event, fields)
        if let old {
            eventUpdate(event, old, fields)
            return
        }
        series(event["series"])
        if !Self.hasTime(event["eventTime"]) { add(.required(FieldPath("eventTime"))) }
        let type = event["type"]?.string ?? ""
        if type != "Normal", type != "Warning" {
            add(.invalid(FieldPath("type"), "", "has invalid value: \(type)"))
        }
        let unset = "needs to be unset"
        if Self.hasTime(event[fields.first]) { add(.invalid(FieldPath("firstTimestamp"), "", unset)) }
        if Self.hasTime(event[fields.last]) { add(.invalid(FieldPath("lastTimestamp"), "", unset)) }
        if event[fields.count]?.integer ?? 0 != 0 { add(.invalid(FieldPath("count"), "", unset)) }
        if ["component", "host"].contains(where: { event[fields.source]?[$0]?.isPresent == true }) {
            add(.invalid(FieldPath("source"), "", unset))
        }
    }

    private static func hasTime(_ value: JSONValue?) -> Bool { value?.isPresent ?? false }

    /// Who reads the Events of a namespace, or of the cluster, takes them for what its own components say: a namespace's
    /// writers speak of its objects alone.
    private mutating func subjectAndText(_ event: JSONValue, _ fields: EventFields) {
        let isNew = Self.hasTime(event["eventTime"])
        let namespace = event["metadata"]?["namespace"]?.string ?? ""
        let subject = event[fields.subject]?["namespace"]?.string ?? ""
        let isFine =
            subject.isEmpty
            ? namespace == "default" || isNew && namespace == "kube-system" : subject == namespace
        if !isFine {
            add(.invalid(FieldPath("involvedObject")["namespace"], subject, "does not match event.namespace"))
        }
        guard isNew else { return }
        let controller = event[fields.controller]?.string ?? ""
        if controller.isEmpty { add(.required(FieldPath(fields.controller))) }
        check(Names.qualifiedName(controller), FieldPath(fields.controller), controller)
        for field in ["reportingInstance", "action", "reason"] {
            let text = event[field]?.string ?? ""
            if text.isEmpty { add(.required(FieldPath(field))) }
            length(text, FieldPath(field), Self.maximumEventText)
        }
        length(event[fields.message]?.string ?? "", FieldPath("message"), Self.maximumEventNote)
    }

    private mutating func length(_ text: String, _ path: FieldPath, _ limit: Int) {
        if text.utf8.count > limit { add(.invalid(path, "", "can have at most \(limit) characters")) }
    }

    private mutating func series(_ series: JSONValue?) {
        guard let series, series.object != nil else { return }
        if series["count"]?.integer ?? 0 < 2 { add(.invalid(FieldPath("series.count"), "", "should be at least 2")) }
        if !Self.hasTime(series["lastObservedTime"]) { add(.required(FieldPath("series.lastObservedTime"))) }
    }

    private mutating func eventUpdate(_ event: JSONValue, _ before: JSONValue, _ fields: EventFields) {
        if !Self.same(event["series"], before["series"]) { series(event["series"]) }
        let names = [
            (fields.subject, "involvedObject"), ("reason", "reason"), (fields.message, "message"),
            (fields.source, "source"), (fields.first, "firstTimestamp"), (fields.last, "lastTimestamp"),
            (fields.count, "count"), ("type", "type"), ("action", "action"), ("related", "related"),
            (fields.controller, "reportingController"), ("reportingInstance", "reportingInstance"),
        ]
        for (field, name) in names { unchanged(event[field], before[field], FieldPath(name)) }
        // To the microsecond: some clients write what lies below, and others cut it off.
        let times = [event["eventTime"], before["eventTime"]].map { ($0?.string ?? "").utf8.prefix(26) }
        if !times[0].elementsEqual(times[1]) {
            unchanged(event["eventTime"], before["eventTime"], FieldPath("eventTime"))
        }
    }
}
