// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.core.v1`.
    static let coreEToM = #"""
        EmptyDirVolumeSource
          medium 1 string
          sizeLimit 2 quantity pointer
        EndpointAddress atomic
          ip 1 string required always
          hostname 3 string
          nodeName 4 string pointer
          targetRef 2 ObjectReference pointer
        EndpointPort atomic
          name 1 string
          port 2 int32 required always
          protocol 3 string enum=TCP|UDP|SCTP default="TCP"
          appProtocol 4 string pointer
        EndpointSubset
          addresses 1 []EndpointAddress list=atomic
          notReadyAddresses 2 []EndpointAddress list=atomic
          ports 3 []EndpointPort list=atomic
        Endpoints
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          subsets 2 []EndpointSubset list=atomic
        EndpointsList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Endpoints required always
        EnvFromSource
          prefix 1 string
          configMapRef 2 ConfigMapEnvSource pointer
          secretRef 3 SecretEnvSource pointer
        EnvVar
          name 1 string required always
          value 2 string
          valueFrom 3 EnvVarSource pointer
        EnvVarSource
          fieldRef 1 ObjectFieldSelector pointer
          resourceFieldRef 2 ResourceFieldSelector pointer
          configMapKeyRef 3 ConfigMapKeySelector pointer
          secretKeyRef 4 SecretKeySelector pointer
          fileKeyRef 5 FileKeySelector pointer
        EphemeralContainer
          name 1.1 string required always
          image 1.2 string
          command 1.3 []string list=atomic
          args 1.4 []string list=atomic
          workingDir 1.5 string
          ports 1.6 []ContainerPort list=map(containerPort,protocol) patch=merge(containerPort)
          envFrom 1.19 []EnvFromSource list=atomic
          env 1.7 []EnvVar list=map(name) patch=merge(name)
          resources 1.8 ResourceRequirements always
          resizePolicy 1.23 []ContainerResizePolicy list=atomic
          restartPolicy 1.24 string pointer
          restartPolicyRules 1.25 []ContainerRestartRule list=atomic
          volumeMounts 1.9 []VolumeMount list=map(mountPath) patch=merge(mountPath)
          volumeDevices 1.21 []VolumeDevice list=map(devicePath) patch=merge(devicePath)
          livenessProbe 1.10 Probe pointer
          readinessProbe 1.11 Probe pointer
          startupProbe 1.22 Probe pointer
          lifecycle 1.12 Lifecycle pointer
          terminationMessagePath 1.13 string default="/dev/termination-log"
          terminationMessagePolicy 1.20 string enum=File|FallbackToLogsOnError default="File"
          imagePullPolicy 1.14 string enum=Always|Never|IfNotPresent
          securityContext 1.15 SecurityContext pointer
          stdin 1.16 bool
          stdinOnce 1.17 bool
          tty 1.18 bool
          targetContainerName 2 string
        EphemeralContainerCommon
          name 1 string always
          image 2 string
          command 3 []string list=atomic
          args 4 []string list=atomic
          workingDir 5 string
          ports 6 []ContainerPort list=map(containerPort,protocol) patch=merge(containerPort)
          envFrom 19 []EnvFromSource list=atomic
          env 7 []EnvVar list=map(name) patch=merge(name)
          resources 8 ResourceRequirements always
          resizePolicy 23 []ContainerResizePolicy list=atomic
          restartPolicy 24 string pointer
          restartPolicyRules 25 []ContainerRestartRule list=atomic
          volumeMounts 9 []VolumeMount list=map(mountPath) patch=merge(mountPath)
          volumeDevices 21 []VolumeDevice list=map(devicePath) patch=merge(devicePath)
          livenessProbe 10 Probe pointer
          readinessProbe 11 Probe pointer
          startupProbe 22 Probe pointer
          lifecycle 12 Lifecycle pointer
          terminationMessagePath 13 string
          terminationMessagePolicy 20 string enum=File|FallbackToLogsOnError
          imagePullPolicy 14 string enum=Always|Never|IfNotPresent
          securityContext 15 SecurityContext pointer
          stdin 16 bool
          stdinOnce 17 bool
          tty 18 bool
        EphemeralVolumeSource
          volumeClaimTemplate 1 PersistentVolumeClaimTemplate pointer
        Event
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta required always
          involvedObject 2 ObjectReference required always
          reason 3 string
          message 4 string
          source 5 EventSource always
          firstTimestamp 6 time always
          lastTimestamp 7 time always
          count 8 int32
          type 9 string
          eventTime 10 microTime always
          series 11 EventSeries pointer
          action 12 string
          related 13 ObjectReference pointer
          reportingComponent 14 string always
          reportingInstance 15 string always
        EventList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Event required always
        EventSeries
          count 1 int32
          lastObservedTime 2 microTime always
        EventSource
          component 1 string
          host 2 string
        ExecAction
          command 1 []string list=atomic
        FCVolumeSource
          targetWWNs 1 []string list=atomic
          lun 2 int32 pointer
          fsType 3 string
          readOnly 4 bool
          wwids 5 []string list=atomic
        FileKeySelector atomic
          volumeName 1 string required always
          path 2 string required always
          key 3 string required always
          optional 4 bool pointer default=false
        FlexPersistentVolumeSource
          driver 1 string required always
          fsType 2 string
          secretRef 3 SecretReference pointer
          readOnly 4 bool
          options 5 {}string
        FlexVolumeSource
          driver 1 string required always
          fsType 2 string
          secretRef 3 LocalObjectReference pointer
          readOnly 4 bool
          options 5 {}string
        FlockerVolumeSource
          datasetName 1 string
          datasetUUID 2 string
        GCEPersistentDiskVolumeSource
          pdName 1 string required always
          fsType 2 string
          partition 3 int32
          readOnly 4 bool
        GRPCAction
          port 1 int32 required always
          service 2 string pointer default=""
        GitRepoVolumeSource
          repository 1 string required always
          revision 2 string
          directory 3 string
        GlusterfsPersistentVolumeSource
          endpoints 1 string required always
          path 2 string required always
          readOnly 3 bool
          endpointsNamespace 4 string pointer
        GlusterfsVolumeSource
          endpoints 1 string required always
          path 2 string required always
          readOnly 3 bool
        HTTPGetAction
          path 1 string default="/"
          port 2 intOrString required always
          host 3 string
          scheme 4 string enum=HTTP|HTTPS default="HTTP"
          httpHeaders 5 []HTTPHeader list=atomic
        HTTPHeader
          name 1 string required always
          value 2 string required always
        HostAlias
          ip 1 string required always
          hostnames 2 []string list=atomic
        HostIP
          ip 1 string required always
        HostPathVolumeSource
          path 1 string required always
          type 2 string pointer enum=""|DirectoryOrCreate|Directory|FileOrCreate|File|Socket|CharDevice|BlockDevice default=""
        ISCSIPersistentVolumeSource
          targetPortal 1 string required always
          iqn 2 string required always
          lun 3 int32 required always
          iscsiInterface 4 string default="default"
          fsType 5 string
          readOnly 6 bool
          portals 7 []string list=atomic
          chapAuthDiscovery 8 bool
          chapAuthSession 11 bool
          secretRef 10 SecretReference pointer
          initiatorName 12 string pointer
        ISCSIVolumeSource
          targetPortal 1 string required always
          iqn 2 string required always
          lun 3 int32 required always
          iscsiInterface 4 string default="default"
          fsType 5 string
          readOnly 6 bool
          portals 7 []string list=atomic
          chapAuthDiscovery 8 bool
          chapAuthSession 11 bool
          secretRef 10 LocalObjectReference pointer
          initiatorName 12 string pointer
        ImageVolumeSource
          reference 1 string
          pullPolicy 2 string enum=Always|Never|IfNotPresent
        ImageVolumeStatus
          imageRef 1 string required
        KeyToPath
          key 1 string required always
          path 2 string required always
          mode 3 int32 pointer
        Lifecycle
          postStart 1 LifecycleHandler pointer
          preStop 2 LifecycleHandler pointer
          stopSignal 3 string pointer enum=SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMAX-14|SIGRTMAX-13|SIGRTMAX-12|SIGRTMAX-11|SIGRTMAX-10|SIGRTMAX-9|SIGRTMAX-8|SIGRTMAX-7|SIGRTMAX-6|SIGRTMAX-5|SIGRTMAX-4|SIGRTMAX-3|SIGRTMAX-2|SIGRTMAX-1|SIGRTMAX
        LifecycleHandler
          exec 1 ExecAction pointer
          httpGet 2 HTTPGetAction pointer
          tcpSocket 3 TCPSocketAction pointer
          sleep 4 SleepAction pointer
        LimitRange
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 LimitRangeSpec always
        LimitRangeItem
          type 1 string required always
          max 2 {}quantity
          min 3 {}quantity
          default 4 {}quantity
          defaultRequest 5 {}quantity
          maxLimitRequestRatio 6 {}quantity
        LimitRangeList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []LimitRange required always
        LimitRangeSpec
          limits 1 []LimitRangeItem required always list=atomic
        LinuxContainerUser
          uid 1 int64 required always
          gid 2 int64 required always
          supplementalGroups 3 []int64 list=atomic
        LoadBalancerIngress
          ip 1 string
          hostname 2 string
          ipMode 3 string pointer
          ports 4 []PortStatus list=atomic
        LoadBalancerStatus
          ingress 1 []LoadBalancerIngress list=atomic
        LocalObjectReference atomic
          name 1 string default=""
        LocalVolumeSource
          path 1 string required always
          fsType 2 string pointer
        ModifyVolumeStatus
          targetVolumeAttributesClassName 1 string
          status 2 string required always enum=Pending|InProgress|Infeasible
        """#
}
