// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.core.v1`.
    static let coreSToZ = #"""
        SELinuxOptions
          user 1 string
          role 2 string
          type 3 string
          level 4 string
        ScaleIOPersistentVolumeSource
          gateway 1 string required always
          system 2 string required always
          secretRef 3 SecretReference required pointer
          sslEnabled 4 bool
          protectionDomain 5 string
          storagePool 6 string
          storageMode 7 string default="ThinProvisioned"
          volumeName 8 string
          fsType 9 string default="xfs"
          readOnly 10 bool
        ScaleIOVolumeSource
          gateway 1 string required always
          system 2 string required always
          secretRef 3 LocalObjectReference required pointer
          sslEnabled 4 bool
          protectionDomain 5 string
          storagePool 6 string
          storageMode 7 string default="ThinProvisioned"
          volumeName 8 string
          fsType 9 string default="xfs"
          readOnly 10 bool
        ScopeSelector atomic
          matchExpressions 1 []ScopedResourceSelectorRequirement list=atomic
        ScopedResourceSelectorRequirement
          scopeName 1 string required always enum=Terminating|NotTerminating|BestEffort|NotBestEffort|PriorityClass|CrossNamespacePodAffinity|VolumeAttributesClass
          operator 2 string required always enum=In|NotIn|Exists|DoesNotExist
          values 3 []string list=atomic
        SeccompProfile
          type 1 string required always enum=Unconfined|RuntimeDefault|Localhost
          localhostProfile 2 string pointer
        Secret
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          immutable 5 bool pointer
          data 2 {}bytes
          stringData 4 {}string
          type 3 string default="Opaque"
        SecretEnvSource
          name 1.1 string default=""
          optional 2 bool pointer
        SecretKeySelector atomic
          name 1.1 string default=""
          key 2 string required always
          optional 3 bool pointer
        SecretList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Secret required always
        SecretProjection
          name 1.1 string default=""
          items 2 []KeyToPath list=atomic
          optional 4 bool pointer
        SecretReference atomic
          name 1 string
          namespace 2 string
        SecretVolumeSource
          secretName 1 string
          items 2 []KeyToPath list=atomic
          defaultMode 3 int32 pointer default=420
          optional 4 bool pointer
        SecurityContext
          capabilities 1 Capabilities pointer
          privileged 2 bool pointer
          seLinuxOptions 3 SELinuxOptions pointer
          windowsOptions 10 WindowsSecurityContextOptions pointer
          runAsUser 4 int64 pointer
          runAsGroup 8 int64 pointer
          runAsNonRoot 5 bool pointer
          readOnlyRootFilesystem 6 bool pointer
          allowPrivilegeEscalation 7 bool pointer
          procMount 9 string pointer enum=Default|Unmasked
          seccompProfile 11 SeccompProfile pointer
          appArmorProfile 12 AppArmorProfile pointer
        SerializedReference
          kind 0 string
          apiVersion 0 string
          reference 1 ObjectReference always
        Service
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ServiceSpec always
          status 3 ServiceStatus always
        ServiceAccount
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          secrets 2 []ObjectReference list=map(name) patch=merge(name)
          imagePullSecrets 3 []LocalObjectReference list=atomic
          automountServiceAccountToken 4 bool pointer
        ServiceAccountList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ServiceAccount required always
        ServiceAccountTokenProjection
          audience 1 string
          expirationSeconds 2 int64 pointer default=3600
          path 3 string required always
        ServiceList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Service required always
        ServicePort
          name 1 string
          protocol 2 string enum=TCP|UDP|SCTP default="TCP"
          appProtocol 6 string pointer
          port 3 int32 required always
          targetPort 4 intOrString always
          nodePort 5 int32
        ServiceProxyOptions
          kind 0 string
          apiVersion 0 string
          path 1 string
        ServiceSpec
          ports 1 []ServicePort list=map(port,protocol) patch=merge(port)
          selector 2 {}string atomic
          clusterIP 3 string
          clusterIPs 18 []string list=atomic
          type 4 string enum=ClusterIP|NodePort|LoadBalancer|ExternalName
          externalIPs 5 []string list=atomic
          sessionAffinity 7 string enum=ClientIP|None
          loadBalancerIP 8 string
          loadBalancerSourceRanges 9 []string list=atomic
          externalName 10 string
          externalTrafficPolicy 11 string enum=Cluster|Local
          healthCheckNodePort 12 int32
          publishNotReadyAddresses 13 bool
          sessionAffinityConfig 14 SessionAffinityConfig pointer
          ipFamilies 19 []string list=atomic enum=IPv4|IPv6|""
          ipFamilyPolicy 17 string pointer enum=SingleStack|PreferDualStack|RequireDualStack
          allocateLoadBalancerNodePorts 20 bool pointer
          loadBalancerClass 21 string pointer
          internalTrafficPolicy 22 string pointer enum=Cluster|Local
          trafficDistribution 23 string pointer
        ServiceStatus
          loadBalancer 1 LoadBalancerStatus always
          conditions 2 []meta/Condition list=map(type) patch=merge(type)
        SessionAffinityConfig
          clientIP 1 ClientIPConfig pointer
        SleepAction
          seconds 1 int64 required always
        StorageOSPersistentVolumeSource
          volumeName 1 string
          volumeNamespace 2 string
          fsType 3 string
          readOnly 4 bool
          secretRef 5 ObjectReference pointer
        StorageOSVolumeSource
          volumeName 1 string
          volumeNamespace 2 string
          fsType 3 string
          readOnly 4 bool
          secretRef 5 LocalObjectReference pointer
        Sysctl
          name 1 string required always
          value 2 string required always
        TCPSocketAction
          port 1 intOrString required always
          host 2 string
        Taint
          key 1 string required always
          value 2 string
          effect 3 string required always enum=NoSchedule|PreferNoSchedule|NoExecute
          timeAdded 4 time pointer
        Toleration
          key 1 string
          operator 2 string enum=Exists|Equal|Lt|Gt
          value 3 string
          effect 4 string enum=NoSchedule|PreferNoSchedule|NoExecute
          tolerationSeconds 5 int64 pointer
        TopologySelectorLabelRequirement
          key 1 string required always
          values 2 []string required always list=atomic
        TopologySelectorTerm atomic
          matchLabelExpressions 1 []TopologySelectorLabelRequirement list=atomic
        TopologySpreadConstraint
          maxSkew 1 int32 required always
          topologyKey 2 string required always
          whenUnsatisfiable 3 string required always enum=DoNotSchedule|ScheduleAnyway
          labelSelector 4 meta/LabelSelector pointer
          minDomains 5 int32 pointer
          nodeAffinityPolicy 6 string pointer enum=Ignore|Honor
          nodeTaintsPolicy 7 string pointer enum=Ignore|Honor
          matchLabelKeys 8 []string list=atomic
        TypedLocalObjectReference atomic
          apiGroup 1 string pointer
          kind 2 string required always
          name 3 string required always
        TypedObjectReference
          apiGroup 1 string pointer
          kind 2 string required always
          name 3 string required always
          namespace 4 string pointer
        Volume
          name 1 string required always
          hostPath 2.1 HostPathVolumeSource pointer
          emptyDir 2.2 EmptyDirVolumeSource pointer
          gcePersistentDisk 2.3 GCEPersistentDiskVolumeSource pointer
          awsElasticBlockStore 2.4 AWSElasticBlockStoreVolumeSource pointer
          gitRepo 2.5 GitRepoVolumeSource pointer
          secret 2.6 SecretVolumeSource pointer
          nfs 2.7 NFSVolumeSource pointer
          iscsi 2.8 ISCSIVolumeSource pointer
          glusterfs 2.9 GlusterfsVolumeSource pointer
          persistentVolumeClaim 2.10 PersistentVolumeClaimVolumeSource pointer
          rbd 2.11 RBDVolumeSource pointer
          flexVolume 2.12 FlexVolumeSource pointer
          cinder 2.13 CinderVolumeSource pointer
          cephfs 2.14 CephFSVolumeSource pointer
          flocker 2.15 FlockerVolumeSource pointer
          downwardAPI 2.16 DownwardAPIVolumeSource pointer
          fc 2.17 FCVolumeSource pointer
          azureFile 2.18 AzureFileVolumeSource pointer
          configMap 2.19 ConfigMapVolumeSource pointer
          vsphereVolume 2.20 VsphereVirtualDiskVolumeSource pointer
          quobyte 2.21 QuobyteVolumeSource pointer
          azureDisk 2.22 AzureDiskVolumeSource pointer
          photonPersistentDisk 2.23 PhotonPersistentDiskVolumeSource pointer
          projected 2.26 ProjectedVolumeSource pointer
          portworxVolume 2.24 PortworxVolumeSource pointer
          scaleIO 2.25 ScaleIOVolumeSource pointer
          storageos 2.27 StorageOSVolumeSource pointer
          csi 2.28 CSIVolumeSource pointer
          ephemeral 2.29 EphemeralVolumeSource pointer
          image 2.30 ImageVolumeSource pointer
        VolumeDevice
          name 1 string required always
          devicePath 2 string required always
        VolumeMount
          name 1 string required always
          readOnly 2 bool
          recursiveReadOnly 7 string pointer
          mountPath 3 string required always
          subPath 4 string
          mountPropagation 5 string pointer enum=None|HostToContainer|Bidirectional
          subPathExpr 6 string
        VolumeMountStatus
          name 1 string required always
          mountPath 2 string required always
          readOnly 3 bool
          recursiveReadOnly 4 string pointer
          volumeStatus 5 VolumeStatus pointer
        VolumeNodeAffinity
          required 1 NodeSelector pointer
        VolumeProjection
          secret 1 SecretProjection pointer
          downwardAPI 2 DownwardAPIProjection pointer
          configMap 3 ConfigMapProjection pointer
          serviceAccountToken 4 ServiceAccountTokenProjection pointer
          clusterTrustBundle 5 ClusterTrustBundleProjection pointer
          podCertificate 6 PodCertificateProjection pointer
        VolumeResourceRequirements
          limits 1 {}quantity
          requests 2 {}quantity
        VolumeSource
          hostPath 1 HostPathVolumeSource pointer
          emptyDir 2 EmptyDirVolumeSource pointer
          gcePersistentDisk 3 GCEPersistentDiskVolumeSource pointer
          awsElasticBlockStore 4 AWSElasticBlockStoreVolumeSource pointer
          gitRepo 5 GitRepoVolumeSource pointer
          secret 6 SecretVolumeSource pointer
          nfs 7 NFSVolumeSource pointer
          iscsi 8 ISCSIVolumeSource pointer
          glusterfs 9 GlusterfsVolumeSource pointer
          persistentVolumeClaim 10 PersistentVolumeClaimVolumeSource pointer
          rbd 11 RBDVolumeSource pointer
          flexVolume 12 FlexVolumeSource pointer
          cinder 13 CinderVolumeSource pointer
          cephfs 14 CephFSVolumeSource pointer
          flocker 15 FlockerVolumeSource pointer
          downwardAPI 16 DownwardAPIVolumeSource pointer
          fc 17 FCVolumeSource pointer
          azureFile 18 AzureFileVolumeSource pointer
          configMap 19 ConfigMapVolumeSource pointer
          vsphereVolume 20 VsphereVirtualDiskVolumeSource pointer
          quobyte 21 QuobyteVolumeSource pointer
          azureDisk 22 AzureDiskVolumeSource pointer
          photonPersistentDisk 23 PhotonPersistentDiskVolumeSource pointer
          projected 26 ProjectedVolumeSource pointer
          portworxVolume 24 PortworxVolumeSource pointer
          scaleIO 25 ScaleIOVolumeSource pointer
          storageos 27 StorageOSVolumeSource pointer
          csi 28 CSIVolumeSource pointer
          ephemeral 29 EphemeralVolumeSource pointer
          image 30 ImageVolumeSource pointer
        VolumeStatus
          image 1 ImageVolumeStatus pointer
        VsphereVirtualDiskVolumeSource
          volumePath 1 string required always
          fsType 2 string
          storagePolicyName 3 string
          storagePolicyID 4 string
        WeightedPodAffinityTerm
          weight 1 int32 required always
          podAffinityTerm 2 PodAffinityTerm required always
        WindowsSecurityContextOptions
          gmsaCredentialSpecName 1 string pointer
          gmsaCredentialSpec 2 string pointer
          runAsUserName 3 string pointer
          hostProcess 4 bool pointer
        """#
}
