// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.autoscaling.v1`.
    static let autoscaling = #"""
        ContainerResourceMetricSource
          name 1 string always
          targetAverageUtilization 2 int32 pointer
          targetAverageValue 3 quantity pointer
          container 5 string always
        ContainerResourceMetricStatus
          name 1 string always
          currentAverageUtilization 2 int32 pointer
          currentAverageValue 3 quantity always
          container 4 string always
        CrossVersionObjectReference atomic
          kind 1 string required always
          name 2 string required always
          apiVersion 3 string
        ExternalMetricSource
          metricName 1 string always
          metricSelector 2 meta/LabelSelector pointer
          targetValue 3 quantity pointer
          targetAverageValue 4 quantity pointer
        ExternalMetricStatus
          metricName 1 string always
          metricSelector 2 meta/LabelSelector pointer
          currentValue 3 quantity always
          currentAverageValue 4 quantity pointer
        HorizontalPodAutoscaler
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 HorizontalPodAutoscalerSpec required always
          status 3 HorizontalPodAutoscalerStatus always
        HorizontalPodAutoscalerCondition
          type 1 string always
          status 2 string always
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
          targetCPUUtilizationPercentage 4 int32 pointer
        HorizontalPodAutoscalerStatus
          observedGeneration 1 int64 pointer
          lastScaleTime 2 time pointer
          currentReplicas 3 int32 required always
          desiredReplicas 4 int32 required always
          currentCPUUtilizationPercentage 5 int32 pointer
        MetricSpec
          type 1 string always enum=Object|Pods|Resource|ContainerResource|External
          object 2 ObjectMetricSource pointer
          pods 3 PodsMetricSource pointer
          resource 4 ResourceMetricSource pointer
          containerResource 7 ContainerResourceMetricSource pointer
          external 5 ExternalMetricSource pointer
        MetricStatus
          type 1 string always enum=Object|Pods|Resource|ContainerResource|External
          object 2 ObjectMetricStatus pointer
          pods 3 PodsMetricStatus pointer
          resource 4 ResourceMetricStatus pointer
          containerResource 7 ContainerResourceMetricStatus pointer
          external 5 ExternalMetricStatus pointer
        ObjectMetricSource
          target 1 CrossVersionObjectReference always
          metricName 2 string always
          targetValue 3 quantity always
          selector 4 meta/LabelSelector pointer
          averageValue 5 quantity pointer
        ObjectMetricStatus
          target 1 CrossVersionObjectReference always
          metricName 2 string always
          currentValue 3 quantity always
          selector 4 meta/LabelSelector pointer
          averageValue 5 quantity pointer
        PodsMetricSource
          metricName 1 string always
          targetAverageValue 2 quantity always
          selector 3 meta/LabelSelector pointer
        PodsMetricStatus
          metricName 1 string always
          currentAverageValue 2 quantity always
          selector 3 meta/LabelSelector pointer
        ResourceMetricSource
          name 1 string always
          targetAverageUtilization 2 int32 pointer
          targetAverageValue 3 quantity pointer
        ResourceMetricStatus
          name 1 string always
          currentAverageUtilization 2 int32 pointer
          currentAverageValue 3 quantity always
        Scale
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ScaleSpec always
          status 3 ScaleStatus always
        ScaleSpec
          replicas 1 int32 default=0
        ScaleStatus
          replicas 1 int32 required always
          selector 2 string
        """#
}
