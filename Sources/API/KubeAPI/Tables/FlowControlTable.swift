// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.flowcontrol.v1`.
    static let flowControl = #"""
        ExemptPriorityLevelConfiguration
          nominalConcurrencyShares 1 int32 pointer default=0
          lendablePercent 2 int32 pointer default=0
        FlowDistinguisherMethod
          type 1 string required always
        FlowSchema
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 FlowSchemaSpec always
          status 3 FlowSchemaStatus always
        FlowSchemaCondition
          type 1 string
          status 2 string
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        FlowSchemaList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []FlowSchema required always
        FlowSchemaSpec
          priorityLevelConfiguration 1 PriorityLevelConfigurationReference required always
          matchingPrecedence 2 int32 always default=1000
          distinguisherMethod 3 FlowDistinguisherMethod pointer
          rules 4 []PolicyRulesWithSubjects list=atomic
        FlowSchemaStatus
          conditions 1 []FlowSchemaCondition list=map(type) patch=merge(type)
        GroupSubject
          name 1 string required always
        LimitResponse
          type 1 string required always
          queuing 2 QueuingConfiguration pointer
        LimitedPriorityLevelConfiguration
          nominalConcurrencyShares 1 int32 pointer default=30
          limitResponse 2 LimitResponse always
          lendablePercent 3 int32 pointer default=0
          borrowingLimitPercent 4 int32 pointer
        NonResourcePolicyRule
          verbs 1 []string required always list=set
          nonResourceURLs 6 []string required always list=set
        PolicyRulesWithSubjects
          subjects 1 []Subject required always list=atomic
          resourceRules 2 []ResourcePolicyRule list=atomic
          nonResourceRules 3 []NonResourcePolicyRule list=atomic
        PriorityLevelConfiguration
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 PriorityLevelConfigurationSpec always
          status 3 PriorityLevelConfigurationStatus always
        PriorityLevelConfigurationCondition
          type 1 string
          status 2 string
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        PriorityLevelConfigurationList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []PriorityLevelConfiguration required always
        PriorityLevelConfigurationReference
          name 1 string required always
        PriorityLevelConfigurationSpec
          type 1 string required always
          limited 2 LimitedPriorityLevelConfiguration pointer
          exempt 3 ExemptPriorityLevelConfiguration pointer
        PriorityLevelConfigurationStatus
          conditions 1 []PriorityLevelConfigurationCondition list=map(type) patch=merge(type)
        QueuingConfiguration
          queues 1 int32 always default=64
          handSize 2 int32 always default=8
          queueLengthLimit 3 int32 always default=50
        ResourcePolicyRule
          verbs 1 []string required always list=set
          apiGroups 2 []string required always list=set
          resources 3 []string required always list=set
          clusterScope 4 bool
          namespaces 5 []string always list=set
        ServiceAccountSubject
          namespace 1 string required always
          name 2 string required always
        Subject
          kind 1 string required always
          user 2 UserSubject pointer
          group 3 GroupSubject pointer
          serviceAccount 4 ServiceAccountSubject pointer
        UserSubject
          name 1 string required always
        """#
}
