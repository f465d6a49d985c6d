// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.apimachinery.pkg.apis.meta.v1`.
    static let meta = #"""
        APIGroup
          kind 0 string
          apiVersion 0 string
          name 1 string required always
          versions 2 []GroupVersionForDiscovery required always list=atomic
          preferredVersion 3 GroupVersionForDiscovery always
          serverAddressByClientCIDRs 4 []ServerAddressByClientCIDR list=atomic
        APIGroupList
          kind 0 string
          apiVersion 0 string
          groups 1 []APIGroup required always list=atomic
        APIResource
          name 1 string required always
          singularName 6 string required always
          namespaced 2 bool required always
          group 8 string
          version 9 string
          kind 3 string required always
          verbs 4 []string required always
          shortNames 5 []string list=atomic
          categories 7 []string list=atomic
          storageVersionHash 10 string
        APIResourceList
          kind 0 string
          apiVersion 0 string
          groupVersion 1 string required always
          resources 2 []APIResource required always list=atomic
        APIVersions
          kind 0 string
          apiVersion 0 string
          versions 1 []string required always list=atomic
          serverAddressByClientCIDRs 2 []ServerAddressByClientCIDR required always list=atomic
        Condition
          type 1 string required always
          status 2 string required always
          observedGeneration 3 int64
          lastTransitionTime 4 time required always
          reason 5 string required always
          message 6 string required always
        CreateOptions
          kind 0 string
          apiVersion 0 string
          dryRun 1 []string list=atomic
          fieldManager 3 string
          fieldValidation 4 string
        DeleteOptions
          kind 0 string
          apiVersion 0 string
          gracePeriodSeconds 1 int64 pointer
          preconditions 2 Preconditions pointer
          orphanDependents 3 bool pointer
          propagationPolicy 4 string pointer
          dryRun 5 []string list=atomic
          ignoreStoreReadErrorWithClusterBreakingPotential 6 bool pointer
        FieldSelectorRequirement
          key 1 string required always
          operator 2 string required always
          values 3 []string list=atomic
        GetOptions
          kind 0 string
          apiVersion 0 string
          resourceVersion 1 string
        GroupResource
          group 1 string required always
          resource 2 string required always
        GroupVersionForDiscovery
          groupVersion 1 string required always
          version 2 string required always
        GroupVersionKind
          group 1 string always
          version 2 string always
          kind 3 string always
        GroupVersionResource
          group 1 string always
          version 2 string always
          resource 3 string always
        LabelSelector atomic
          matchLabels 1 {}string
          matchExpressions 2 []LabelSelectorRequirement list=atomic
        LabelSelectorRequirement
          key 1 string required always
          operator 2 string required always
          values 3 []string list=atomic
        ListMeta
          selfLink 1 string
          resourceVersion 2 string
          continue 3 string
          remainingItemCount 4 int64 pointer
          shardInfo 5 ShardInfo pointer
        ListOptions
          kind 0 string
          apiVersion 0 string
          labelSelector 1 string
          fieldSelector 2 string
          watch 3 bool
          allowWatchBookmarks 9 bool
          resourceVersion 4 string
          resourceVersionMatch 10 string
          timeoutSeconds 5 int64 pointer
          limit 7 int64
          continue 8 string
          sendInitialEvents 11 bool pointer
          shardSelector 15 string
        ManagedFieldsEntry
          manager 1 string
          operation 2 string
          apiVersion 3 string
          time 4 time pointer
          fieldsType 6 string
          fieldsV1 7 json pointer
          subresource 8 string
        ObjectMeta
          name 1 string
          generateName 2 string
          namespace 3 string
          selfLink 4 string
          uid 5 string
          resourceVersion 6 string
          generation 7 int64
          creationTimestamp 8 time
          deletionTimestamp 9 time pointer
          deletionGracePeriodSeconds 10 int64 pointer
          labels 11 {}string
          annotations 12 {}string
          ownerReferences 13 []OwnerReference list=map(uid) patch=merge(uid)
          finalizers 14 []string list=set patch=merge
          managedFields 17 []ManagedFieldsEntry list=atomic
        OwnerReference atomic
          apiVersion 5 string required always
          kind 1 string required always
          name 3 string required always
          uid 4 string required always
          controller 6 bool pointer
          blockOwnerDeletion 7 bool pointer
        PartialObjectMetadata
          kind 0 string
          apiVersion 0 string
          metadata 1 ObjectMeta always
        PartialObjectMetadataList
          kind 0 string
          apiVersion 0 string
          metadata 1 ListMeta always
          items 2 []PartialObjectMetadata always
        Patch
        PatchOptions
          kind 0 string
          apiVersion 0 string
          dryRun 1 []string list=atomic
          force 2 bool pointer
          fieldManager 3 string
          fieldValidation 4 string
        Preconditions
          uid 1 string pointer
          resourceVersion 2 string pointer
        ServerAddressByClientCIDR
          clientCIDR 1 string required always
          serverAddress 2 string required always
        ShardInfo
          selector 1 string required always
        Status
          kind 0 string
          apiVersion 0 string
          metadata 1 ListMeta always
          status 2 string
          message 3 string
          reason 4 string
          details 5 StatusDetails pointer
          code 6 int32
        StatusCause
          reason 1 string
          message 2 string
          field 3 string
        StatusDetails
          name 1 string
          group 2 string
          kind 3 string
          uid 6 string
          causes 4 []StatusCause list=atomic
          retryAfterSeconds 5 int32
        Table
          kind 0 string
          apiVersion 0 string
          metadata 0 ListMeta always
          columnDefinitions 0 []TableColumnDefinition always list=atomic
          rows 0 []TableRow always list=atomic
        TableColumnDefinition
          name 0 string always
          type 0 string always
          format 0 string always
          description 0 string always
          priority 0 int32 always
        TableOptions
          kind 0 string
          apiVersion 0 string
          includeObject 1 string
        TableRow
          conditions 0 []TableRowCondition list=atomic
          object 0 raw
        TableRowCondition
          type 0 string always
          status 0 string always
          reason 0 string
          message 0 string
        UpdateOptions
          kind 0 string
          apiVersion 0 string
          dryRun 1 []string list=atomic
          fieldManager 2 string
          fieldValidation 3 string
        WatchEvent
          type 1 string required always
          object 2 raw required always
        """#
}
