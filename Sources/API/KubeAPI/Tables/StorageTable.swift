// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.storage.v1`.
    static let storage = #"""
        CSIDriver
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 CSIDriverSpec required always
        CSIDriverList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []CSIDriver required always
        CSIDriverSpec
          attachRequired 1 bool pointer default=true
          podInfoOnMount 2 bool pointer default=false
          volumeLifecycleModes 3 []string list=set default=["Persistent"]
          storageCapacity 4 bool pointer default=false
          fsGroupPolicy 5 string pointer default="ReadWriteOnceWithFSType"
          tokenRequests 6 []TokenRequest list=atomic
          requiresRepublish 7 bool pointer default=false
          seLinuxMount 8 bool pointer default=false
          nodeAllocatableUpdatePeriodSeconds 9 int64 pointer
          serviceAccountTokenInSecrets 10 bool pointer
          preventPodSchedulingIfMissing 11 bool pointer
        CSINode
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 CSINodeSpec required always
        CSINodeDriver
          name 1 string required always
          nodeID 2 string required always
          topologyKeys 3 []string always list=atomic
          allocatable 4 VolumeNodeResources pointer
        CSINodeList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []CSINode required always
        CSINodeSpec
          drivers 1 []CSINodeDriver required always list=map(name) patch=merge(name)
        CSIStorageCapacity
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          nodeTopology 2 meta/LabelSelector pointer
          storageClassName 3 string required always
          capacity 4 quantity pointer
          maximumVolumeSize 5 quantity pointer
        CSIStorageCapacityList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []CSIStorageCapacity required always
        StorageClass
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          provisioner 2 string required always
          parameters 3 {}string
          reclaimPolicy 4 string pointer enum=Recycle|Delete|Retain default="Delete"
          mountOptions 5 []string list=atomic
          allowVolumeExpansion 6 bool pointer
          volumeBindingMode 7 string pointer enum=Immediate|WaitForFirstConsumer default="Immediate"
          allowedTopologies 8 []core/TopologySelectorTerm list=atomic
        StorageClassList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []StorageClass required always
        TokenRequest
          audience 1 string required always
          expirationSeconds 2 int64 pointer
        VolumeAttachment
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 VolumeAttachmentSpec required always
          status 3 VolumeAttachmentStatus always
        VolumeAttachmentList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []VolumeAttachment required always
        VolumeAttachmentSource
          persistentVolumeName 1 string pointer
          inlineVolumeSpec 2 core/PersistentVolumeSpec pointer
        VolumeAttachmentSpec
          attacher 1 string required always
          source 2 VolumeAttachmentSource required always
          nodeName 3 string required always
        VolumeAttachmentStatus
          attached 1 bool required always
          attachmentMetadata 2 {}string
          attachError 3 VolumeError pointer
          detachError 4 VolumeError pointer
        VolumeAttributesClass
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          driverName 2 string required always
          parameters 3 {}string
        VolumeAttributesClassList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []VolumeAttributesClass required always
        VolumeError
          time 1 time always
          message 2 string
          errorCode 3 int32 pointer
        VolumeNodeResources
          count 1 int32 pointer
        """#
}
