# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Images made from what Debian packages put on this machine.

example_image=docker.io/swiftlet/hello:1

# import_example_image: busybox and the links of its applets, under the example's name and a second one.
import_example_image() {
    local root=$work/rootfs/hello applet
    mkdir -p "$root/bin" "$root/etc" "$root/tmp"
    chmod 1777 "$root/tmp"
    cp /bin/busybox "$root/bin/busybox"
    for applet in $(/bin/busybox --list); do
        [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
    done
    printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'web:x:1000:1000:web:/:/bin/sh' >"$root/etc/passwd"
    printf '%s\n' 'root:x:0:' 'web:x:1000:' >"$root/etc/group"
    tar -C "$root" --owner=0 --group=0 -cf "$root.tar" .
    "$programs/swiftlet" image import --name $example_image --cmd /bin/sh "$root.tar"
    "$programs/swiftlet" image tag $example_image docker.io/swiftlet/hello:2
}

# rootfs_of <name> <program>...: a root file system with these programs and the libraries they need.
rootfs_of() {
    local root=$work/rootfs/$1 program file
    shift
    mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/var/log/nginx" "$root/var/lib/nginx" "$root/run"
    chmod 1777 "$root/tmp"
    printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    cp /bin/busybox "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    for program in "$@"; do
        for file in "$program" $(ldd "$program" | grep -o '/[^ ]*'); do
            mkdir -p "$root/$(dirname "$file")"
            cp -L "$file" "$root/$file"
        done
    done
}

# push_image <name> <command word>...: the root file system as an image in the registry; prints its reference by digest.
push_image() {
    local name=$1 word words=()
    shift
    for word in "$@"; do words+=(--cmd "$word"); done
    tar -C "$work/rootfs/$name" --owner=0 --group=0 -cf "$work/rootfs/$name.tar" .
    "$programs/swiftlet" image import --data-dir "$work/builder" --name "localhost:5000/$name:1" "${words[@]}" \
        "$work/rootfs/$name.tar" >&2
    "$programs/swiftlet" image export --data-dir "$work/builder" "$work/rootfs/$name.oci.tar" "localhost:5000/$name:1" >&2
    skopeo copy --insecure-policy --dest-tls-verify=false --digestfile "$work/rootfs/$name.digest" \
        "oci-archive:$work/rootfs/$name.oci.tar" "docker://localhost:5000/$name:1" >&2
    echo "localhost:5000/$name@$(cat "$work/rootfs/$name.digest")"
}
