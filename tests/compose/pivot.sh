#!/bin/sh
# pivot.sh ROOT [FOLDER ...] -- COMMAND...: run the command with ROOT as its root. The folders, /proc, /sys and /dev are
# those of the machine, at the same paths. It is to be started in a mount namespace of its own, which it leaves changed.
set -eu
root=$1
shift
mount --bind "$root" "$root"
for path in /proc /sys /dev; do mount --rbind "$path" "$root$path"; done
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    shift
done
shift
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/machine"
cd "$root"
pivot_root . machine
umount -l /machine
exec "$@"
