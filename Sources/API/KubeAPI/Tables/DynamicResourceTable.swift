// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.resource.v1`.
    static let dynamicResource = #"""
        AllocatedDeviceStatus
          driver 1 string required always
          pool 2 string required always
          device 3 string required always
          shareID 7 string pointer
          conditions 4 []meta/Condition always list=map(type)
          data 5 raw pointer
          networkData 6 NetworkDeviceData pointer
        AllocationResult
          devices 1 DeviceAllocationResult always
          nodeSelector 3 core/NodeSelector pointer
          allocationTimestamp 5 time pointer
        CELDeviceSelector
          expression 1 string required always
        CapacityRequestPolicy
          default 1 quantity pointer
          validValues 3 []quantity list=atomic
          validRange 4 CapacityRequestPolicyRange pointer
        CapacityRequestPolicyRange
          min 1 quantity required pointer
          max 2 quantity pointer
          step 3 quantity pointer
        CapacityRequirements
          requests 1 {}quantity
        Counter
          value 1 quantity required always
        CounterSet
          name 1 string required always
          counters 2 {}Counter required
        Device
          name 1 string required always
          attributes 2 {}DeviceAttribute
          capacity 3 {}DeviceCapacity
          consumesCounters 4 []DeviceCounterConsumption list=atomic
          nodeName 5 string pointer
          nodeSelector 6 core/NodeSelector pointer
          allNodes 7 bool pointer
          taints 8 []DeviceTaint list=atomic
          bindsToNode 9 bool pointer
          bindingConditions 10 []string list=atomic
          bindingFailureConditions 11 []string list=atomic
          allowMultipleAllocations 12 bool pointer
          nodeAllocatableResourceMappings 13 {}NodeAllocatableResourceMapping
        DeviceAllocationConfiguration
          source 1 string required always enum=FromClass|FromClaim
          requests 2 []string list=atomic
          opaque 3.1 OpaqueDeviceConfiguration pointer
        DeviceAllocationResult
          results 1 []DeviceRequestAllocationResult list=atomic
          config 2 []DeviceAllocationConfiguration list=atomic
        DeviceAttribute
          int 2 int64 pointer
          bool 3 bool pointer
          string 4 string pointer
          version 5 string pointer
          ints 6 []int64 list=atomic
          bools 7 []bool list=atomic
          strings 8 []string list=atomic
          versions 9 []string list=atomic
        DeviceCapacity
          value 1 quantity required always
          requestPolicy 2 CapacityRequestPolicy pointer
        DeviceClaim
          requests 1 []DeviceRequest always list=atomic
          constraints 2 []DeviceConstraint list=atomic
          config 3 []DeviceClaimConfiguration list=atomic
        DeviceClaimConfiguration
          requests 1 []string list=atomic
          opaque 2.1 OpaqueDeviceConfiguration pointer
        DeviceClass
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 DeviceClassSpec required always
        DeviceClassConfiguration
          opaque 1.1 OpaqueDeviceConfiguration pointer
        DeviceClassList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []DeviceClass required always
        DeviceClassSpec
          selectors 1 []DeviceSelector list=atomic
          config 2 []DeviceClassConfiguration list=atomic
          extendedResourceName 4 string pointer
        DeviceConfiguration
          opaque 1 OpaqueDeviceConfiguration pointer
        DeviceConstraint
          requests 1 []string list=atomic
          matchAttribute 2 string pointer
          distinctAttribute 3 string pointer
        DeviceCounterConsumption
          counterSet 1 string required always
          counters 2 {}Counter required
        DeviceRequest
          name 1 string required always
          exactly 2 ExactDeviceRequest pointer
          firstAvailable 3 []DeviceSubRequest list=atomic
        DeviceRequestAllocationResult
          request 1 string required always
          driver 2 string required always
          pool 3 string required always
          device 4 string required always
          adminAccess 5 bool pointer
          tolerations 6 []DeviceToleration list=atomic
          bindingConditions 7 []string list=atomic
          bindingFailureConditions 8 []string list=atomic
          shareID 9 string pointer
          consumedCapacity 10 {}quantity
        DeviceSelector
          cel 1 CELDeviceSelector pointer
        DeviceSubRequest
          name 1 string required always
          deviceClassName 2 string required always
          selectors 3 []DeviceSelector list=atomic
          allocationMode 4 string default="ExactCount"
          count 5 int64
          tolerations 6 []DeviceToleration list=atomic
          capacity 7 CapacityRequirements pointer
        DeviceTaint
          key 1 string required always
          value 2 string
          effect 3 string required always enum=None|NoSchedule|NoExecute
          timeAdded 4 time pointer
        DeviceToleration
          key 1 string
          operator 2 string enum=Exists|Equal default="Equal"
          value 3 string
          effect 4 string enum=None|NoSchedule|NoExecute
          tolerationSeconds 5 int64 pointer
        ExactDeviceRequest
          deviceClassName 1 string required always
          selectors 2 []DeviceSelector list=atomic
          allocationMode 3 string default="ExactCount"
          count 4 int64
          adminAccess 5 bool pointer
          tolerations 6 []DeviceToleration list=atomic
          capacity 7 CapacityRequirements pointer
        NetworkDeviceData
          interfaceName 1 string
          ips 2 []string list=atomic
          hardwareAddress 3 string
        NodeAllocatableResourceMapping
          capacityKey 1 string pointer
          allocationMultiplier 2 quantity pointer
        OpaqueDeviceConfiguration
          driver 1 string required always
          parameters 2 raw required always
        ResourceClaim
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ResourceClaimSpec required always
          status 3 ResourceClaimStatus always
        ResourceClaimConsumerReference
          apiGroup 1 string
          resource 3 string required always
          name 4 string required always
          uid 5 string required always
        ResourceClaimList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ResourceClaim required always
        ResourceClaimSpec
          devices 1 DeviceClaim always
        ResourceClaimStatus
          allocation 1 AllocationResult pointer
          reservedFor 2 []ResourceClaimConsumerReference list=map(uid) patch=merge(uid)
          devices 4 []AllocatedDeviceStatus list=map(driver,device,pool,shareID)
        ResourceClaimTemplate
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ResourceClaimTemplateSpec required always
        ResourceClaimTemplateList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ResourceClaimTemplate required always
        ResourceClaimTemplateSpec
          metadata 1 meta/ObjectMeta always
          spec 2 ResourceClaimSpec required always
        ResourcePool
          name 1 string required always
          generation 2 int64 required always
          resourceSliceCount 3 int64 required always
        ResourceSlice
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ResourceSliceSpec required always
        ResourceSliceList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ResourceSlice required always
        ResourceSliceSpec
          driver 1 string required always
          pool 2 ResourcePool required always
          nodeName 3 string pointer
          nodeSelector 4 core/NodeSelector pointer
          allNodes 5 bool pointer
          devices 6 []Device list=atomic
          perDeviceNodeSelection 7 bool pointer
          sharedCounters 8 []CounterSet list=atomic
        """#
}
