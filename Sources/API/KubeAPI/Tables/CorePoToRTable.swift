// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.core.v1`.
    static let corePoToR = #"""
        Pod
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 PodSpec always
          status 3 PodStatus always
        PodAffinity
          requiredDuringSchedulingIgnoredDuringExecution 1 []PodAffinityTerm list=atomic
          preferredDuringSchedulingIgnoredDuringExecution 2 []WeightedPodAffinityTerm list=atomic
        PodAffinityTerm
          labelSelector 1 meta/LabelSelector pointer
          namespaces 2 []string list=atomic
          topologyKey 3 string required always
          namespaceSelector 4 meta/LabelSelector pointer
          matchLabelKeys 5 []string list=atomic
          mismatchLabelKeys 6 []string list=atomic
        PodAntiAffinity
          requiredDuringSchedulingIgnoredDuringExecution 1 []PodAffinityTerm list=atomic
          preferredDuringSchedulingIgnoredDuringExecution 2 []WeightedPodAffinityTerm list=atomic
        PodAttachOptions
          kind 0 string
          apiVersion 0 string
          stdin 1 bool
          stdout 2 bool
          stderr 3 bool
          tty 4 bool
          container 5 string
        PodCertificateProjection
          signerName 1 string required
          keyType 2 string required
          maxExpirationSeconds 3 int32 pointer
          credentialBundlePath 4 string
          keyPath 5 string
          certificateChainPath 6 string
          userAnnotations 7 {}string
        PodCondition
          type 1 string required always
          observedGeneration 7 int64
          status 2 string required always
          lastProbeTime 3 time always
          lastTransitionTime 4 time always
          reason 5 string
          message 6 string
        PodDNSConfig
          nameservers 1 []string list=atomic
          searches 2 []string list=atomic
          options 3 []PodDNSConfigOption list=atomic
        PodDNSConfigOption
          name 1 string
          value 2 string pointer
        PodExecOptions
          kind 0 string
          apiVersion 0 string
          stdin 1 bool
          stdout 2 bool
          stderr 3 bool
          tty 4 bool
          container 5 string
          command 6 []string always list=atomic
        PodExtendedResourceClaimStatus
          requestMappings 1 []ContainerExtendedResourceRequest required always list=atomic
          resourceClaimName 2 string required always
        PodIP
          ip 1 string required always
        PodList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Pod required always
        PodLogOptions
          kind 0 string
          apiVersion 0 string
          container 1 string
          follow 2 bool
          previous 3 bool
          sinceSeconds 4 int64 pointer
          sinceTime 5 time pointer
          timestamps 6 bool
          tailLines 7 int64 pointer
          limitBytes 8 int64 pointer
          insecureSkipTLSVerifyBackend 9 bool
          stream 10 string pointer
        PodOS
          name 1 string required always
        PodPortForwardOptions
          kind 0 string
          apiVersion 0 string
          ports 1 []int32 list=atomic
        PodProxyOptions
          kind 0 string
          apiVersion 0 string
          path 1 string
        PodReadinessGate
          conditionType 1 string required always
        PodResourceClaim
          name 1 string required always
          resourceClaimName 3 string pointer
          resourceClaimTemplateName 4 string pointer
        PodResourceClaimStatus
          name 1 string required always
          resourceClaimName 2 string pointer
        PodSchedulingGate
          name 1 string required always
        PodSchedulingGroup
          podGroupName 1 string pointer
        PodSecurityContext
          seLinuxOptions 1 SELinuxOptions pointer
          windowsOptions 8 WindowsSecurityContextOptions pointer
          runAsUser 2 int64 pointer
          runAsGroup 6 int64 pointer
          runAsNonRoot 3 bool pointer
          supplementalGroups 4 []int64 list=atomic
          supplementalGroupsPolicy 12 string pointer enum=Merge|Strict
          fsGroup 5 int64 pointer
          sysctls 7 []Sysctl list=atomic
          fsGroupChangePolicy 9 string pointer enum=OnRootMismatch|Always
          seccompProfile 10 SeccompProfile pointer
          appArmorProfile 11 AppArmorProfile pointer
          seLinuxChangePolicy 13 string pointer
        PodSignature
          podController 1 meta/OwnerReference pointer
        PodSpec
          volumes 1 []Volume list=map(name) patch=merge,retainKeys(name)
          initContainers 20 []Container list=map(name) patch=merge(name)
          containers 2 []Container required always list=map(name) patch=merge(name)
          ephemeralContainers 34 []EphemeralContainer list=map(name) patch=merge(name)
          restartPolicy 3 string enum=Always|OnFailure|Never default="Always"
          terminationGracePeriodSeconds 4 int64 pointer default=30
          activeDeadlineSeconds 5 int64 pointer
          dnsPolicy 6 string enum=ClusterFirstWithHostNet|ClusterFirst|Default|None default="ClusterFirst"
          nodeSelector 7 {}string atomic
          serviceAccountName 8 string
          serviceAccount 9 string
          automountServiceAccountToken 21 bool pointer
          nodeName 10 string
          hostNetwork 11 bool
          hostPID 12 bool
          hostIPC 13 bool
          shareProcessNamespace 27 bool pointer
          securityContext 14 PodSecurityContext pointer default={}
          imagePullSecrets 15 []LocalObjectReference list=map(name) patch=merge(name)
          hostname 16 string
          subdomain 17 string
          affinity 18 Affinity pointer
          schedulerName 19 string default="default-scheduler"
          tolerations 22 []Toleration list=atomic
          hostAliases 23 []HostAlias list=map(ip) patch=merge(ip)
          priorityClassName 24 string
          priority 25 int32 pointer
          dnsConfig 26 PodDNSConfig pointer
          readinessGates 28 []PodReadinessGate list=atomic
          runtimeClassName 29 string pointer
          enableServiceLinks 30 bool pointer
          preemptionPolicy 31 string pointer enum=PreemptLowerPriority|Never
          overhead 32 {}quantity
          topologySpreadConstraints 33 []TopologySpreadConstraint list=map(topologyKey,whenUnsatisfiable) patch=merge(topologyKey)
          setHostnameAsFQDN 35 bool pointer
          os 36 PodOS pointer
          hostUsers 37 bool pointer
          schedulingGates 38 []PodSchedulingGate list=map(name) patch=merge(name)
          resourceClaims 39 []PodResourceClaim list=map(name) patch=merge,retainKeys(name)
          resources 40 ResourceRequirements pointer
          hostnameOverride 41 string pointer
          schedulingGroup 43 PodSchedulingGroup pointer
        PodStatus
          observedGeneration 17 int64
          phase 1 string enum=Pending|Running|Succeeded|Failed|Unknown
          conditions 2 []PodCondition list=map(type) patch=merge(type)
          message 3 string
          reason 4 string
          nominatedNodeName 11 string
          hostIP 5 string
          hostIPs 16 []HostIP list=atomic patch=merge(ip)
          podIP 6 string
          podIPs 12 []PodIP list=map(ip) patch=merge(ip)
          startTime 7 time pointer
          initContainerStatuses 10 []ContainerStatus list=atomic
          containerStatuses 8 []ContainerStatus list=atomic
          qosClass 9 string enum=Guaranteed|Burstable|BestEffort
          ephemeralContainerStatuses 13 []ContainerStatus list=atomic
          resize 14 string
          resourceClaimStatuses 15 []PodResourceClaimStatus list=map(name) patch=merge,retainKeys(name)
          extendedResourceClaimStatus 18 PodExtendedResourceClaimStatus pointer
          allocatedResources 19 {}quantity
          resources 20 ResourceRequirements pointer
          nodeAllocatableResourceClaimStatuses 21 []NodeAllocatableResourceClaimStatus list=atomic
        PodStatusResult
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          status 2 PodStatus always
        PodTemplate
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          template 2 PodTemplateSpec always
        PodTemplateList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []PodTemplate required always
        PodTemplateSpec
          metadata 1 meta/ObjectMeta always
          spec 2 PodSpec always
        PortStatus
          port 1 int32 required always
          protocol 2 string required always enum=TCP|UDP|SCTP
          error 3 string pointer
        PortworxVolumeSource
          volumeID 1 string required always
          fsType 2 string
          readOnly 3 bool
        Preconditions
          uid 1 string pointer
        PreferAvoidPodsEntry
          podSignature 1 PodSignature always
          evictionTime 2 time always
          reason 3 string
          message 4 string
        PreferredSchedulingTerm
          weight 1 int32 required always
          preference 2 NodeSelectorTerm required always
        Probe
          exec 1.1 ExecAction pointer
          httpGet 1.2 HTTPGetAction pointer
          tcpSocket 1.3 TCPSocketAction pointer
          grpc 1.4 GRPCAction pointer
          initialDelaySeconds 2 int32
          timeoutSeconds 3 int32 default=1
          periodSeconds 4 int32 default=10
          successThreshold 5 int32 default=1
          failureThreshold 6 int32 default=3
          terminationGracePeriodSeconds 7 int64 pointer
        ProbeHandler
          exec 1 ExecAction pointer
          httpGet 2 HTTPGetAction pointer
          tcpSocket 3 TCPSocketAction pointer
          grpc 4 GRPCAction pointer
        ProjectedVolumeSource
          sources 1 []VolumeProjection always list=atomic
          defaultMode 2 int32 pointer default=420
        QuobyteVolumeSource
          registry 1 string required always
          volume 2 string required always
          readOnly 3 bool
          user 4 string
          group 5 string
          tenant 6 string
        RBDPersistentVolumeSource
          monitors 1 []string required always list=atomic
          image 2 string required always
          fsType 3 string
          pool 4 string default="rbd"
          user 5 string default="admin"
          keyring 6 string default="/etc/ceph/keyring"
          secretRef 7 SecretReference pointer
          readOnly 8 bool
        RBDVolumeSource
          monitors 1 []string required always list=atomic
          image 2 string required always
          fsType 3 string
          pool 4 string default="rbd"
          user 5 string default="admin"
          keyring 6 string default="/etc/ceph/keyring"
          secretRef 7 LocalObjectReference pointer
          readOnly 8 bool
        RangeAllocation
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          range 2 string always
          data 3 bytes always
        ReplicationController
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ReplicationControllerSpec always
          status 3 ReplicationControllerStatus always
        ReplicationControllerCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        ReplicationControllerList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ReplicationController required always
        ReplicationControllerSpec
          replicas 1 int32 pointer default=1
          minReadySeconds 4 int32 default=0
          selector 2 {}string atomic
          template 3 PodTemplateSpec pointer
        ReplicationControllerStatus
          replicas 1 int32 required always
          fullyLabeledReplicas 2 int32
          readyReplicas 4 int32
          availableReplicas 5 int32
          observedGeneration 3 int64
          conditions 6 []ReplicationControllerCondition list=map(type) patch=merge(type)
        ResourceClaim
          name 1 string required always
          request 2 string
        ResourceFieldSelector atomic
          containerName 1 string
          resource 2 string required always
          divisor 3 quantity always
        ResourceHealth
          resourceID 1 string required always
          health 2 string
          message 6 string pointer
        ResourceQuota
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ResourceQuotaSpec always
          status 3 ResourceQuotaStatus always
        ResourceQuotaList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ResourceQuota required always
        ResourceQuotaSpec
          hard 1 {}quantity
          scopes 2 []string list=atomic enum=Terminating|NotTerminating|BestEffort|NotBestEffort|PriorityClass|CrossNamespacePodAffinity|VolumeAttributesClass
          scopeSelector 3 ScopeSelector pointer
        ResourceQuotaStatus
          hard 1 {}quantity
          used 2 {}quantity
        ResourceRequirements
          limits 1 {}quantity
          requests 2 {}quantity
          claims 3 []ResourceClaim list=map(name)
        ResourceStatus
          name 1 string required always
          resources 2 []ResourceHealth list=map(resourceID)
        """#
}
