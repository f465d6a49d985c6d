// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.batch.v1`.
    static let batch = #"""
        CronJob
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 CronJobSpec required always
          status 3 CronJobStatus always
        CronJobList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []CronJob required always
        CronJobSpec
          schedule 1 string required always
          timeZone 8 string pointer
          startingDeadlineSeconds 2 int64 pointer
          concurrencyPolicy 3 string enum=Allow|Forbid|Replace default="Allow"
          suspend 4 bool pointer default=false
          jobTemplate 5 JobTemplateSpec required always
          successfulJobsHistoryLimit 6 int32 pointer default=3
          failedJobsHistoryLimit 7 int32 pointer default=1
        CronJobStatus
          active 1 []core/ObjectReference list=atomic
          lastScheduleTime 4 time pointer
          lastSuccessfulTime 5 time pointer
        Job
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 JobSpec always
          status 3 JobStatus always
        JobCondition
          type 1 string required always
          status 2 string required always
          lastProbeTime 3 time always
          lastTransitionTime 4 time always
          reason 5 string
          message 6 string
        JobList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Job required always
        JobSpec
          parallelism 1 int32 pointer
          completions 2 int32 pointer
          activeDeadlineSeconds 3 int64 pointer
          podFailurePolicy 11 PodFailurePolicy pointer
          successPolicy 16 SuccessPolicy pointer
          backoffLimit 7 int32 pointer
          backoffLimitPerIndex 12 int32 pointer
          maxFailedIndexes 13 int32 pointer
          selector 4 meta/LabelSelector pointer
          manualSelector 5 bool pointer
          template 6 core/PodTemplateSpec required always
          ttlSecondsAfterFinished 8 int32 pointer
          completionMode 9 string pointer enum=NonIndexed|Indexed
          suspend 10 bool pointer
          podReplacementPolicy 14 string pointer enum=TerminatingOrFailed|Failed
          managedBy 15 string pointer
        JobStatus
          conditions 1 []JobCondition list=atomic patch=merge(type)
          startTime 2 time pointer
          completionTime 3 time pointer
          active 4 int32
          succeeded 5 int32
          failed 6 int32
          terminating 11 int32 pointer
          completedIndexes 7 string
          failedIndexes 10 string pointer
          uncountedTerminatedPods 8 UncountedTerminatedPods pointer
          ready 9 int32 pointer
        JobTemplateSpec
          metadata 1 meta/ObjectMeta always
          spec 2 JobSpec always
        PodFailurePolicy
          rules 1 []PodFailurePolicyRule required always list=atomic
        PodFailurePolicyOnExitCodesRequirement
          containerName 1 string pointer
          operator 2 string required always enum=In|NotIn
          values 3 []int32 required always list=set
        PodFailurePolicyOnPodConditionsPattern
          type 1 string required always
          status 2 string always default="True"
        PodFailurePolicyRule
          action 1 string required always enum=FailJob|FailIndex|Ignore|Count
          onExitCodes 2 PodFailurePolicyOnExitCodesRequirement pointer
          onPodConditions 3 []PodFailurePolicyOnPodConditionsPattern list=atomic
        SuccessPolicy
          rules 1 []SuccessPolicyRule required always list=atomic
        SuccessPolicyRule
          succeededIndexes 1 string pointer
          succeededCount 2 int32 pointer
        UncountedTerminatedPods
          succeeded 1 []string list=set
          failed 2 []string list=set
        """#
}
