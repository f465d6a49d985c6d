// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.core.v1`.
    static let coreAToD = #"""
        AWSElasticBlockStoreVolumeSource
          volumeID 1 string required always
          fsType 2 string
          partition 3 int32
          readOnly 4 bool
        Affinity
          nodeAffinity 1 NodeAffinity pointer
          podAffinity 2 PodAffinity pointer
          podAntiAffinity 3 PodAntiAffinity pointer
        AppArmorProfile
          type 1 string required always enum=Unconfined|RuntimeDefault|Localhost
          localhostProfile 2 string pointer
        AttachedVolume
          name 1 string required always
          devicePath 2 string required always
        AvoidPods
          preferAvoidPods 1 []PreferAvoidPodsEntry list=atomic
        AzureDiskVolumeSource
          diskName 1 string required always
          diskURI 2 string required always
          cachingMode 3 string pointer enum=None|ReadOnly|ReadWrite default="ReadWrite"
          fsType 4 string pointer default="ext4"
          readOnly 5 bool pointer default=false
          kind 6 string pointer enum=Shared|Dedicated|Managed default="Shared"
        AzureFilePersistentVolumeSource
          secretName 1 string required always
          shareName 2 string required always
          readOnly 3 bool
          secretNamespace 4 string pointer
        AzureFileVolumeSource
          secretName 1 string required always
          shareName 2 string required always
          readOnly 3 bool
        Binding
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          target 2 ObjectReference required always
        CSIPersistentVolumeSource
          driver 1 string required always
          volumeHandle 2 string required always
          readOnly 3 bool
          fsType 4 string
          volumeAttributes 5 {}string
          controllerPublishSecretRef 6 SecretReference pointer
          nodeStageSecretRef 7 SecretReference pointer
          nodePublishSecretRef 8 SecretReference pointer
          controllerExpandSecretRef 9 SecretReference pointer
          nodeExpandSecretRef 10 SecretReference pointer
        CSIVolumeSource
          driver 1 string required always
          readOnly 2 bool pointer
          fsType 3 string pointer
          volumeAttributes 4 {}string
          nodePublishSecretRef 5 LocalObjectReference pointer
        Capabilities
          add 1 []string list=atomic
          drop 2 []string list=atomic
        CephFSPersistentVolumeSource
          monitors 1 []string required always list=atomic
          path 2 string
          user 3 string
          secretFile 4 string
          secretRef 5 SecretReference pointer
          readOnly 6 bool
        CephFSVolumeSource
          monitors 1 []string required always list=atomic
          path 2 string
          user 3 string
          secretFile 4 string
          secretRef 5 LocalObjectReference pointer
          readOnly 6 bool
        CinderPersistentVolumeSource
          volumeID 1 string required always
          fsType 2 string
          readOnly 3 bool
          secretRef 4 SecretReference pointer
        CinderVolumeSource
          volumeID 1 string required always
          fsType 2 string
          readOnly 3 bool
          secretRef 4 LocalObjectReference pointer
        ClientIPConfig
          timeoutSeconds 1 int32 pointer
        ClusterTrustBundleProjection
          name 1 string pointer
          signerName 2 string pointer
          labelSelector 3 meta/LabelSelector pointer
          optional 5 bool pointer
          path 4 string required always
        ComponentCondition
          type 1 string required always
          status 2 string required always
          message 3 string
          error 4 string
        ComponentStatus
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          conditions 2 []ComponentCondition list=map(type) patch=merge(type)
        ComponentStatusList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ComponentStatus required always
        ConfigMap
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          immutable 4 bool pointer
          data 2 {}string
          binaryData 3 {}bytes
        ConfigMapEnvSource
          name 1.1 string default=""
          optional 2 bool pointer
        ConfigMapKeySelector atomic
          name 1.1 string default=""
          key 2 string required always
          optional 3 bool pointer
        ConfigMapList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ConfigMap required always
        ConfigMapNodeConfigSource
          namespace 1 string required always
          name 2 string required always
          uid 3 string
          resourceVersion 4 string
          kubeletConfigKey 5 string required always
        ConfigMapProjection
          name 1.1 string default=""
          items 2 []KeyToPath list=atomic
          optional 4 bool pointer
        ConfigMapVolumeSource
          name 1.1 string default=""
          items 2 []KeyToPath list=atomic
          defaultMode 3 int32 pointer default=420
          optional 4 bool pointer
        Container
          name 1 string required always
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
          terminationMessagePath 13 string default="/dev/termination-log"
          terminationMessagePolicy 20 string enum=File|FallbackToLogsOnError default="File"
          imagePullPolicy 14 string enum=Always|Never|IfNotPresent
          securityContext 15 SecurityContext pointer
          stdin 16 bool
          stdinOnce 17 bool
          tty 18 bool
        ContainerExtendedResourceRequest
          containerName 1 string required always
          resourceName 2 string required always
          requestName 3 string required always
        ContainerImage
          names 1 []string always list=atomic
          sizeBytes 2 int64
        ContainerPort
          name 1 string
          hostPort 2 int32
          containerPort 3 int32 required always
          protocol 4 string enum=TCP|UDP|SCTP default="TCP"
          hostIP 5 string
        ContainerResizePolicy
          resourceName 1 string required always
          restartPolicy 2 string required always
        ContainerRestartRule
          action 1 string required
          exitCodes 2 ContainerRestartRuleOnExitCodes pointer
        ContainerRestartRuleOnExitCodes
          operator 1 string required
          values 2 []int32 list=set
        ContainerState
          waiting 1 ContainerStateWaiting pointer
          running 2 ContainerStateRunning pointer
          terminated 3 ContainerStateTerminated pointer
        ContainerStateRunning
          startedAt 1 time always
        ContainerStateTerminated
          exitCode 1 int32 required always
          signal 2 int32
          reason 3 string
          message 4 string
          startedAt 5 time always
          finishedAt 6 time always
          containerID 7 string
        ContainerStateWaiting
          reason 1 string
          message 2 string
        ContainerStatus
          name 1 string required always
          state 2 ContainerState always
          lastState 3 ContainerState always
          ready 4 bool required always
          restartCount 5 int32 required always
          image 6 string required always
          imageID 7 string required always
          containerID 8 string
          started 9 bool pointer
          allocatedResources 10 {}quantity
          resources 11 ResourceRequirements pointer
          volumeMounts 12 []VolumeMountStatus list=map(mountPath) patch=merge(mountPath)
          user 13 ContainerUser pointer
          allocatedResourcesStatus 14 []ResourceStatus list=map(name) patch=merge(name)
          stopSignal 15 string pointer enum=SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMAX-14|SIGRTMAX-13|SIGRTMAX-12|SIGRTMAX-11|SIGRTMAX-10|SIGRTMAX-9|SIGRTMAX-8|SIGRTMAX-7|SIGRTMAX-6|SIGRTMAX-5|SIGRTMAX-4|SIGRTMAX-3|SIGRTMAX-2|SIGRTMAX-1|SIGRTMAX
        ContainerUser
          linux 1 LinuxContainerUser pointer
        DaemonEndpoint
          Port 1 int32 required always
        DownwardAPIProjection
          items 1 []DownwardAPIVolumeFile list=atomic
        DownwardAPIVolumeFile
          path 1 string required always
          fieldRef 2 ObjectFieldSelector pointer
          resourceFieldRef 3 ResourceFieldSelector pointer
          mode 4 int32 pointer
        DownwardAPIVolumeSource
          items 1 []DownwardAPIVolumeFile list=atomic
          defaultMode 2 int32 pointer default=420
        """#
}
