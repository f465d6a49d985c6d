// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.discovery.v1`.
    static let discovery = #"""
        Endpoint
          addresses 1 []string required always list=set
          conditions 2 EndpointConditions always
          hostname 3 string pointer
          targetRef 4 core/ObjectReference pointer
          deprecatedTopology 5 {}string
          nodeName 6 string pointer
          zone 7 string pointer
          hints 8 EndpointHints pointer
        EndpointConditions
          ready 1 bool pointer
          serving 2 bool pointer
          terminating 3 bool pointer
        EndpointHints
          forZones 1 []ForZone list=atomic
          forNodes 2 []ForNode list=atomic
        EndpointPort atomic
          name 1 string pointer default=""
          protocol 2 string pointer enum=TCP|UDP|SCTP default="TCP"
          port 3 int32 pointer
          appProtocol 4 string pointer
        EndpointSlice
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          addressType 4 string required always
          endpoints 2 []Endpoint always list=atomic
          ports 3 []EndpointPort always list=atomic
        EndpointSliceList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []EndpointSlice required always
        ForNode
          name 1 string required always
        ForZone
          name 1 string required always
        """#
}
