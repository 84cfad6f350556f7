#!/bin/sh
# The first process of the virtual machine (run.sh): makes it a machine, runs the command, and switches it off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8

off() {
	sync
	busybox poweroff -f
}
trap off EXIT

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
ln -sf /proc/self/fd /dev/fd
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
ln -sf pts/ptmx /dev/ptmx
# What is stored is on a disk: a tmpfs of this kernel keeps no attributes of users.
mount -t ext4 /dev/ubda /tmp
chmod 1777 /tmp
for directory in /dev/shm /var/tmp; do
	mount -t tmpfs -o mode=1777 tmpfs "$directory"
done
for directory in /run /mnt /var/lib; do
	mount -t tmpfs -o mode=755 tmpfs "$directory"
done
mkdir /mnt/shared /mnt/sources
mount -t hostfs -o "$vm_shared" none /mnt/shared
mount -t hostfs -o "ro,$vm_sources" none /mnt/sources

# Modules are loaded as they are needed, from where they are.
mkdir -p /run/modules/lib
ln -s "$vm_modules" /run/modules/lib/modules
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
/run/modprobe -a ipv6 overlay loop veth

# As systemd leaves it: the root holds no process, and lets others have all that it has.
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/init.scope
echo 1 >/sys/fs/cgroup/init.scope/cgroup.procs
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done

hostname vm
ip link set lo up
cd /mnt/sources || exit
setsid -w sh /mnt/shared/command </dev/null >/mnt/shared/output 2>&1
echo $? >/mnt/shared/status.new
mv /mnt/shared/status.new /mnt/shared/status
