// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.autoscaling.v2`.
    static let autoscalingV2 = #"""
        ContainerResourceMetricSource
          name 1 string required always
          target 2 MetricTarget required always
          container 3 string required always
        ContainerResourceMetricStatus
          name 1 string required always
          current 2 MetricValueStatus required always
          container 3 string required always
        CrossVersionObjectReference
          kind 1 string required always
          name 2 string required always
          apiVersion 3 string
        ExternalMetricSource
          metric 1 MetricIdentifier required always
          target 2 MetricTarget required always
        ExternalMetricStatus
          metric 1 MetricIdentifier required always
          current 2 MetricValueStatus required always
        HPAScalingPolicy
          type 1 string required always
          value 2 int32 required always
          periodSeconds 3 int32 required always
        HPAScalingRules
          stabilizationWindowSeconds 3 int32 pointer
          selectPolicy 1 string pointer
          policies 2 []HPAScalingPolicy list=atomic
          tolerance 4 quantity pointer
        HorizontalPodAutoscaler
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 HorizontalPodAutoscalerSpec required always
          status 3 HorizontalPodAutoscalerStatus always
        HorizontalPodAutoscalerBehavior
          scaleUp 1 HPAScalingRules pointer
          scaleDown 2 HPAScalingRules pointer
        HorizontalPodAutoscalerCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        HorizontalPodAutoscalerList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []HorizontalPodAutoscaler required always
        HorizontalPodAutoscalerSpec
          scaleTargetRef 1 CrossVersionObjectReference required always
          minReplicas 2 int32 pointer default=1
          maxReplicas 3 int32 required always
          metrics 4 []MetricSpec list=atomic
          behavior 5 HorizontalPodAutoscalerBehavior pointer
        HorizontalPodAutoscalerStatus
          observedGeneration 1 int64 pointer
          lastScaleTime 2 time pointer
          currentReplicas 3 int32
          desiredReplicas 4 int32 required always
          currentMetrics 5 []MetricStatus always list=atomic
          conditions 6 []HorizontalPodAutoscalerCondition list=map(type) patch=merge(type)
        MetricIdentifier
          name 1 string required always
          selector 2 meta/LabelSelector pointer
        MetricSpec
          type 1 string required always
          object 2 ObjectMetricSource pointer
          pods 3 PodsMetricSource pointer
          resource 4 ResourceMetricSource pointer
          containerResource 7 ContainerResourceMetricSource pointer
          external 5 ExternalMetricSource pointer
        MetricStatus
          type 1 string required always
          object 2 ObjectMetricStatus pointer
          pods 3 PodsMetricStatus pointer
          resource 4 ResourceMetricStatus pointer
          containerResource 7 ContainerResourceMetricStatus pointer
          external 5 ExternalMetricStatus pointer
        MetricTarget
          type 1 string required always
          value 2 quantity pointer
          averageValue 3 quantity pointer
          averageUtilization 4 int32 pointer
        MetricValueStatus
          value 1 quantity pointer
          averageValue 2 quantity pointer
          averageUtilization 3 int32 pointer
        ObjectMetricSource
          describedObject 1 CrossVersionObjectReference required always
          target 2 MetricTarget required always
          metric 3 MetricIdentifier required always
        ObjectMetricStatus
          metric 1 MetricIdentifier required always
          current 2 MetricValueStatus required always
          describedObject 3 CrossVersionObjectReference required always
        PodsMetricSource
          metric 1 MetricIdentifier required always
          target 2 MetricTarget required always
        PodsMetricStatus
          metric 1 MetricIdentifier required always
          current 2 MetricValueStatus required always
        ResourceMetricSource
          name 1 string required always
          target 2 MetricTarget required always
        ResourceMetricStatus
          name 1 string required always
          current 2 MetricValueStatus required always
        """#
}
