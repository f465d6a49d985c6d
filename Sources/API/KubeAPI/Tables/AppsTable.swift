// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.apps.v1`.
    static let apps = #"""
        ControllerRevision
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          data 2 raw
          revision 3 int64 required always
        ControllerRevisionList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ControllerRevision required always
        DaemonSet
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 DaemonSetSpec always
          status 3 DaemonSetStatus always
        DaemonSetCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        DaemonSetList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []DaemonSet required always
        DaemonSetSpec
          selector 1 meta/LabelSelector required pointer
          template 2 core/PodTemplateSpec required always
          updateStrategy 3 DaemonSetUpdateStrategy always
          minReadySeconds 4 int32
          revisionHistoryLimit 6 int32 pointer default=10
        DaemonSetStatus
          currentNumberScheduled 1 int32 required always
          numberMisscheduled 2 int32 required always
          desiredNumberScheduled 3 int32 required always
          numberReady 4 int32 required always
          observedGeneration 5 int64
          updatedNumberScheduled 6 int32
          numberAvailable 7 int32
          numberUnavailable 8 int32
          collisionCount 9 int32 pointer
          conditions 10 []DaemonSetCondition list=map(type) patch=merge(type)
        DaemonSetUpdateStrategy
          type 1 string enum=RollingUpdate|OnDelete
          rollingUpdate 2 RollingUpdateDaemonSet pointer
        Deployment
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 DeploymentSpec always
          status 3 DeploymentStatus always
        DeploymentCondition
          type 1 string required always
          status 2 string required always
          lastUpdateTime 6 time always
          lastTransitionTime 7 time always
          reason 4 string
          message 5 string
        DeploymentList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Deployment required always
        DeploymentSpec
          replicas 1 int32 pointer default=1
          selector 2 meta/LabelSelector required pointer
          template 3 core/PodTemplateSpec required always
          strategy 4 DeploymentStrategy always patch=retainKeys
          minReadySeconds 5 int32
          revisionHistoryLimit 6 int32 pointer default=10
          paused 7 bool
          progressDeadlineSeconds 9 int32 pointer default=600
        DeploymentStatus
          observedGeneration 1 int64
          replicas 2 int32
          updatedReplicas 3 int32
          readyReplicas 7 int32
          availableReplicas 4 int32
          unavailableReplicas 5 int32
          terminatingReplicas 9 int32 pointer
          conditions 6 []DeploymentCondition list=map(type) patch=merge(type)
          collisionCount 8 int32 pointer
        DeploymentStrategy
          type 1 string enum=Recreate|RollingUpdate
          rollingUpdate 2 RollingUpdateDeployment pointer
        ReplicaSet
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ReplicaSetSpec always
          status 3 ReplicaSetStatus always
        ReplicaSetCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        ReplicaSetList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ReplicaSet required always
        ReplicaSetSpec
          replicas 1 int32 pointer default=1
          minReadySeconds 4 int32
          selector 2 meta/LabelSelector required pointer
          template 3 core/PodTemplateSpec always
        ReplicaSetStatus
          replicas 1 int32 required always
          fullyLabeledReplicas 2 int32
          readyReplicas 4 int32
          availableReplicas 5 int32
          terminatingReplicas 7 int32 pointer
          observedGeneration 3 int64
          conditions 6 []ReplicaSetCondition list=map(type) patch=merge(type)
        RollingUpdateDaemonSet
          maxUnavailable 1 intOrString pointer
          maxSurge 2 intOrString pointer
        RollingUpdateDeployment
          maxUnavailable 1 intOrString pointer
          maxSurge 2 intOrString pointer
        RollingUpdateStatefulSetStrategy
          partition 1 int32 pointer
          maxUnavailable 2 intOrString pointer
        StatefulSet
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 StatefulSetSpec always
          status 3 StatefulSetStatus always
        StatefulSetCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        StatefulSetList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []StatefulSet required always
        StatefulSetOrdinals
          start 1 int32 always
        StatefulSetPersistentVolumeClaimRetentionPolicy
          whenDeleted 1 string default="Retain"
          whenScaled 2 string default="Retain"
        StatefulSetSpec
          replicas 1 int32 pointer default=1
          selector 2 meta/LabelSelector required pointer
          template 3 core/PodTemplateSpec required always
          volumeClaimTemplates 4 []core/PersistentVolumeClaim list=atomic
          serviceName 5 string always
          podManagementPolicy 6 string enum=OrderedReady|Parallel default="OrderedReady"
          updateStrategy 7 StatefulSetUpdateStrategy always
          revisionHistoryLimit 8 int32 pointer default=10
          minReadySeconds 9 int32
          persistentVolumeClaimRetentionPolicy 10 StatefulSetPersistentVolumeClaimRetentionPolicy pointer default={}
          ordinals 11 StatefulSetOrdinals pointer
        StatefulSetStatus
          observedGeneration 1 int64
          replicas 2 int32 required always
          readyReplicas 3 int32
          currentReplicas 4 int32
          updatedReplicas 5 int32
          currentRevision 6 string
          updateRevision 7 string
          collisionCount 9 int32 pointer
          conditions 10 []StatefulSetCondition list=map(type) patch=merge(type)
          availableReplicas 11 int32 always
        StatefulSetUpdateStrategy
          type 1 string enum=RollingUpdate|OnDelete
          rollingUpdate 2 RollingUpdateStatefulSetStrategy pointer
        """#
}
