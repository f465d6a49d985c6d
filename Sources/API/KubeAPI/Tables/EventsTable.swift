// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.events.v1`.
    static let events = #"""
        Event
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          eventTime 2 microTime required always
          series 3 EventSeries pointer
          reportingController 4 string
          reportingInstance 5 string
          action 6 string
          reason 7 string
          regarding 8 core/ObjectReference always
          related 9 core/ObjectReference pointer
          note 10 string
          type 11 string
          deprecatedSource 12 core/EventSource always
          deprecatedFirstTimestamp 13 time always
          deprecatedLastTimestamp 14 time always
          deprecatedCount 15 int32
        EventList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Event required always
        EventSeries
          count 1 int32 required always
          lastObservedTime 2 microTime required always
        """#
}
