// SPDX-License-Identifier: Apache-2.0

#ifndef CPROTECTEDSTART_H
#define CPROTECTEDSTART_H

/// Where swiftlet-oci begins, before libc (the linker's `-e`). A command that makes processes within a container's reach
/// is started again, at once, from a copy of the program's mount that is read-only and at no place; what that is good for
/// says `SelfProtection` of ContainerRuntime, which repeats it, with the reason, where this could not. Here it costs
/// 0.1 ms; after libc and the Swift runtime have started it would be five to ten times that.
void swiftlet_protected_start(void);

#endif
