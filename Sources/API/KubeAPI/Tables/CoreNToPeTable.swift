// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.core.v1`.
    static let coreNToPe = #"""
        NFSVolumeSource
          server 1 string required always
          path 2 string required always
          readOnly 3 bool
        Namespace
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 NamespaceSpec always
          status 3 NamespaceStatus always
        NamespaceCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 4 time always
          reason 5 string
          message 6 string
        NamespaceList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Namespace required always
        NamespaceSpec
          finalizers 1 []string list=atomic
        NamespaceStatus
          phase 1 string enum=Active|Terminating default="Active"
          conditions 2 []NamespaceCondition list=map(type) patch=merge(type)
        Node
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 NodeSpec always
          status 3 NodeStatus always
        NodeAddress
          type 1 string required always
          address 2 string required always
        NodeAffinity
          requiredDuringSchedulingIgnoredDuringExecution 1 NodeSelector pointer
          preferredDuringSchedulingIgnoredDuringExecution 2 []PreferredSchedulingTerm list=atomic
        NodeAllocatableResourceClaimStatus
          resourceClaimName 1 string required always
          containers 2 []string list=set
          resources 3 {}quantity required always
        NodeCondition
          type 1 string required always
          status 2 string required always
          lastHeartbeatTime 3 time always
          lastTransitionTime 4 time always
          reason 5 string
          message 6 string
        NodeConfigSource
          configMap 2 ConfigMapNodeConfigSource pointer
        NodeConfigStatus
          assigned 1 NodeConfigSource pointer
          active 2 NodeConfigSource pointer
          lastKnownGood 3 NodeConfigSource pointer
          error 4 string
        NodeDaemonEndpoints
          kubeletEndpoint 1 DaemonEndpoint always
        NodeFeatures
          supplementalGroupsPolicy 1 bool pointer
        NodeList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Node required always
        NodeProxyOptions
          kind 0 string
          apiVersion 0 string
          path 1 string
        NodeRuntimeHandler
          name 1 string always
          features 2 NodeRuntimeHandlerFeatures pointer
        NodeRuntimeHandlerFeatures
          recursiveReadOnlyMounts 1 bool pointer
          userNamespaces 2 bool pointer
        NodeSelector atomic
          nodeSelectorTerms 1 []NodeSelectorTerm required always list=atomic
        NodeSelectorRequirement
          key 1 string required always
          operator 2 string required always enum=In|NotIn|Exists|DoesNotExist|Gt|Lt
          values 3 []string list=atomic
        NodeSelectorTerm atomic
          matchExpressions 1 []NodeSelectorRequirement list=atomic
          matchFields 2 []NodeSelectorRequirement list=atomic
        NodeSpec
          podCIDR 1 string
          podCIDRs 7 []string list=set patch=merge
          providerID 3 string
          unschedulable 4 bool
          taints 5 []Taint list=atomic
          configSource 6 NodeConfigSource pointer
          externalID 2 string
        NodeStatus
          capacity 1 {}quantity
          allocatable 2 {}quantity
          phase 3 string enum=Pending|Running|Terminated
          conditions 4 []NodeCondition list=map(type) patch=merge(type)
          addresses 5 []NodeAddress list=map(type) patch=merge(type)
          daemonEndpoints 6 NodeDaemonEndpoints always
          nodeInfo 7 NodeSystemInfo always
          images 8 []ContainerImage list=atomic
          volumesInUse 9 []string list=atomic
          volumesAttached 10 []AttachedVolume list=atomic
          config 11 NodeConfigStatus pointer
          runtimeHandlers 12 []NodeRuntimeHandler list=atomic
          features 13 NodeFeatures pointer
          declaredFeatures 14 []string list=atomic
        NodeSwapStatus
          capacity 1 int64 pointer
        NodeSystemInfo
          machineID 1 string required always
          systemUUID 2 string required always
          bootID 3 string required always
          kernelVersion 4 string required always
          osImage 5 string required always
          containerRuntimeVersion 6 string required always
          kubeletVersion 7 string required always
          kubeProxyVersion 8 string required always
          operatingSystem 9 string required always
          architecture 10 string required always
          swap 11 NodeSwapStatus pointer
        ObjectFieldSelector atomic
          apiVersion 1 string default="v1"
          fieldPath 2 string required always
        ObjectReference atomic
          kind 1 string
          namespace 2 string
          name 3 string
          uid 4 string
          apiVersion 5 string
          resourceVersion 6 string
          fieldPath 7 string
        PersistentVolume
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 PersistentVolumeSpec always
          status 3 PersistentVolumeStatus always
        PersistentVolumeClaim
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 PersistentVolumeClaimSpec always
          status 3 PersistentVolumeClaimStatus always
        PersistentVolumeClaimCondition
          type 1 string required always
          status 2 string required always
          lastProbeTime 3 time always
          lastTransitionTime 4 time always
          reason 5 string
          message 6 string
        PersistentVolumeClaimList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []PersistentVolumeClaim required always
        PersistentVolumeClaimSpec
          accessModes 1 []string list=atomic enum=ReadWriteOnce|ReadOnlyMany|ReadWriteMany|ReadWriteOncePod
          selector 4 meta/LabelSelector pointer
          resources 2 VolumeResourceRequirements always
          volumeName 3 string
          storageClassName 5 string pointer
          volumeMode 6 string pointer enum=Block|Filesystem default="Filesystem"
          dataSource 7 TypedLocalObjectReference pointer
          dataSourceRef 8 TypedObjectReference pointer
          volumeAttributesClassName 9 string pointer
        PersistentVolumeClaimStatus
          phase 1 string enum=Pending|Bound|Lost default="Pending"
          accessModes 2 []string list=atomic enum=ReadWriteOnce|ReadOnlyMany|ReadWriteMany|ReadWriteOncePod
          capacity 3 {}quantity
          conditions 4 []PersistentVolumeClaimCondition list=map(type) patch=merge(type)
          allocatedResources 5 {}quantity
          allocatedResourceStatuses 7 {}string granular
          currentVolumeAttributesClassName 8 string pointer
          modifyVolumeStatus 9 ModifyVolumeStatus pointer
        PersistentVolumeClaimTemplate
          metadata 1 meta/ObjectMeta always
          spec 2 PersistentVolumeClaimSpec required always
        PersistentVolumeClaimVolumeSource
          claimName 1 string required always
          readOnly 2 bool
        PersistentVolumeList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []PersistentVolume required always
        PersistentVolumeSource
          gcePersistentDisk 1 GCEPersistentDiskVolumeSource pointer
          awsElasticBlockStore 2 AWSElasticBlockStoreVolumeSource pointer
          hostPath 3 HostPathVolumeSource pointer
          glusterfs 4 GlusterfsPersistentVolumeSource pointer
          nfs 5 NFSVolumeSource pointer
          rbd 6 RBDPersistentVolumeSource pointer
          iscsi 7 ISCSIPersistentVolumeSource pointer
          cinder 8 CinderPersistentVolumeSource pointer
          cephfs 9 CephFSPersistentVolumeSource pointer
          fc 10 FCVolumeSource pointer
          flocker 11 FlockerVolumeSource pointer
          flexVolume 12 FlexPersistentVolumeSource pointer
          azureFile 13 AzureFilePersistentVolumeSource pointer
          vsphereVolume 14 VsphereVirtualDiskVolumeSource pointer
          quobyte 15 QuobyteVolumeSource pointer
          azureDisk 16 AzureDiskVolumeSource pointer
          photonPersistentDisk 17 PhotonPersistentDiskVolumeSource pointer
          portworxVolume 18 PortworxVolumeSource pointer
          scaleIO 19 ScaleIOPersistentVolumeSource pointer
          local 20 LocalVolumeSource pointer
          storageos 21 StorageOSPersistentVolumeSource pointer
          csi 22 CSIPersistentVolumeSource pointer
        PersistentVolumeSpec
          capacity 1 {}quantity
          gcePersistentDisk 2.1 GCEPersistentDiskVolumeSource pointer
          awsElasticBlockStore 2.2 AWSElasticBlockStoreVolumeSource pointer
          hostPath 2.3 HostPathVolumeSource pointer
          glusterfs 2.4 GlusterfsPersistentVolumeSource pointer
          nfs 2.5 NFSVolumeSource pointer
          rbd 2.6 RBDPersistentVolumeSource pointer
          iscsi 2.7 ISCSIPersistentVolumeSource pointer
          cinder 2.8 CinderPersistentVolumeSource pointer
          cephfs 2.9 CephFSPersistentVolumeSource pointer
          fc 2.10 FCVolumeSource pointer
          flocker 2.11 FlockerVolumeSource pointer
          flexVolume 2.12 FlexPersistentVolumeSource pointer
          azureFile 2.13 AzureFilePersistentVolumeSource pointer
          vsphereVolume 2.14 VsphereVirtualDiskVolumeSource pointer
          quobyte 2.15 QuobyteVolumeSource pointer
          azureDisk 2.16 AzureDiskVolumeSource pointer
          photonPersistentDisk 2.17 PhotonPersistentDiskVolumeSource pointer
          portworxVolume 2.18 PortworxVolumeSource pointer
          scaleIO 2.19 ScaleIOPersistentVolumeSource pointer
          local 2.20 LocalVolumeSource pointer
          storageos 2.21 StorageOSPersistentVolumeSource pointer
          csi 2.22 CSIPersistentVolumeSource pointer
          accessModes 3 []string list=atomic enum=ReadWriteOnce|ReadOnlyMany|ReadWriteMany|ReadWriteOncePod
          claimRef 4 ObjectReference pointer granular
          persistentVolumeReclaimPolicy 5 string enum=Recycle|Delete|Retain default="Retain"
          storageClassName 6 string
          mountOptions 7 []string list=atomic
          volumeMode 8 string pointer enum=Block|Filesystem default="Filesystem"
          nodeAffinity 9 VolumeNodeAffinity pointer
          volumeAttributesClassName 10 string pointer
        PersistentVolumeStatus
          phase 1 string enum=Pending|Available|Bound|Released|Failed default="Pending"
          message 2 string
          reason 3 string
          lastPhaseTransitionTime 4 time pointer
        PhotonPersistentDiskVolumeSource
          pdID 1 string required always
          fsType 2 string
        """#
}
