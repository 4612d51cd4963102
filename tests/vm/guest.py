#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the test guest: builds its image once, boots it as often as asked.

reapd is only worth something on a machine that really runs out of memory, and the machine it is
developed on must never be that machine. The guest is a real Debian 12 with systemd, its own kernel
and its own memory, under QEMU without hardware virtualization, without network. The image is
cached under a hash of everything that goes into it and is never written to: each boot sees it
through a snapshot that vanishes with QEMU. A tar on a raw read-only drive carries the case in, a
tar on another raw drive carries its results out: no network, no agent, no shared folder, and
nothing in the guest but tar is needed to read or write them.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import fcntl
import hashlib
import io
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

SUITE = "bookworm"
DISK_SIZE = "3G"
RESULTS_BYTES = 512 << 20
# Sixteen seconds on an idle machine. What lib.sh says when the boot is over:
BOOT_SECONDS = 180
BOOTED = b"] booted"
# What the kernel says after 21 s without a timer, and when it is asked where it is (show_where).
STARVED = b"rcu_preempt kthread starved"
STOPPED = re.compile(rb"\[ *(\d+)\.\d+\] Kernel panic - not syncing: NMI")
# How far behind the guest's clock is for sure when it has stopped. It starts some 2 s after QEMU.
STOPPED_SECONDS = 15

PACKAGES = """
    systemd systemd-sysv systemd-oomd udev dbus
    linux-image-cloud-amd64 linux-image-amd64 initramfs-tools kmod
    util-linux mount procps strace
    libsystemd0 libcap-ng0 libpcre2-8-0 libproc2-0 libsmartcols1
    earlyoom nohang
""".split()

# What is not unpacked. The guest has a serial line and virtio drives, and no network.
EXCLUDES = [*(f"/usr/share/{name}/*" for name in ("man", "info", "locale", "doc", "lintian", "bug")),
            "/lib/modules/*/kernel/sound/*",
            *(f"/lib/modules/*/kernel/drivers/{name}/*" for name in (
                "ata", "comedi", "gpu", "hid", "hwmon", "iio", "infiniband", "input", "md", "media",
                "mmc", "mtd", "net", "scsi", "staging", "target", "usb", "video")),
            *(f"/lib/modules/*/kernel/net/{name}/*" for name in (
                "bluetooth", "mac80211", "netfilter", "sunrpc", "wireless")),
            *(f"/lib/modules/*/kernel/fs/{name}/*" for name in (
                "btrfs", "f2fs", "nfs", "ocfs2", "smb", "xfs"))]

# The kernels by what follows their version: the cloud's, which boots faster, and one with zswap.
KERNELS = {"cloud-amd64": "cloud", "amd64": "generic"}

# What runs in the fresh root ($1) before packages beyond the essential ones are installed: the
# initramfs is generated once, small, and only after its list of modules exists.
ESSENTIAL_HOOK = r"""
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d"
printf 'MODULES=list\nCOMPRESS=lz4\nRESUME=none\nFSTYPE=ext4\n' >"$1/etc/initramfs-tools/conf.d/vm"
mkdir -p "$1/usr/share/initramfs-tools/modules.d" "$1/usr/lib/systemd/system-preset"
printf 'virtio_pci\nvirtio_blk\next4\ncrc32c_generic\nzsmalloc\nzbud\n' >"$1/usr/share/initramfs-tools/modules.d/vm"
"""

# What runs once everything is installed: one unit starts the case, or a shell; no daemon that
# kills runs unless a case starts it; nothing periodic disturbs a measurement.
CUSTOMIZE_HOOK = r"""
set -eu
root=$1
echo vm >"$root/etc/hostname"
: >"$root/etc/fstab"
printf 'uninitialized\n' >"$root/etc/machine-id"
for unit in earlyoom.service nohang.service nohang-desktop.service systemd-oomd.service \
	systemd-oomd.socket; do
	systemctl --quiet --root="$root" disable "$unit" 2>/dev/null || :
done
for unit in serial-getty@.service getty@.service getty.target apt-daily.timer \
	apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer systemd-tmpfiles-clean.timer systemd-pstore.service \
	systemd-networkd.service systemd-timesyncd.service systemd-firstboot.service \
	systemd-machine-id-commit.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
	systemd-update-utmp.service systemd-update-utmp-runlevel.service modprobe@dm_mod.service \
	modprobe@drm.service modprobe@fuse.service sys-fs-fuse-connections.mount; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
mkdir -p "$root/usr/local/lib/vm" "$root/var/log/journal" "$root/etc/systemd/journald.conf.d"
# All of the journal is kept: a case reads it as evidence.
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nForwardToWall=no\n' \
	>"$root/etc/systemd/journald.conf.d/vm.conf"
# Modules that udev would load for emulated hardware nobody uses, seconds into a measurement.
for module in kvm kvm_amd kvm_intel ata_piix ata_generic powernow_k8 aesni_intel ghash_clmulni_intel \
	crct10dif_pclmul sha512_ssse3 button psmouse; do
	echo "blacklist $module"
done >"$root/etc/modprobe.d/vm.conf"
cat >"$root/usr/local/lib/vm/drive" <<'END'
#!/bin/sh
# Prints the device node of the drive with the given serial number.
for disk in /sys/block/vd*; do
	[ "$(cat "$disk/serial")" = "$1" ] && exec echo "/dev/${disk##*/}"
done
echo "vm: no drive with serial $1" >&2
exit 1
END
cat >"$root/usr/local/lib/vm/start" <<'END'
#!/bin/sh
# Lays the payload over the root and hands over to it.
set -eu
tar --extract --file="$(/usr/local/lib/vm/drive payload)" --directory=/ --no-same-owner \
	--keep-directory-symlink --no-overwrite-dir
exec /bin/bash /vm/main.sh
END
chmod 755 "$root/usr/local/lib/vm/drive" "$root/usr/local/lib/vm/start"
cat >"$root/etc/systemd/system/vm-case.service" <<'END'
[Unit]
Description=Case of the vm suite
ConditionKernelCommandLine=!vm.shell

[Service]
Type=exec
ExecStart=/usr/local/lib/vm/start
StandardInput=null
StandardOutput=tty
StandardError=inherit
TTYPath=/dev/ttyS0
OOMScoreAdjust=-1000
OOMPolicy=continue
Nice=-5
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
END
cat >"$root/etc/systemd/system/vm-shell.service" <<'END'
[Unit]
Description=Shell on the serial console
ConditionKernelCommandLine=vm.shell

[Service]
ExecStartPre=-/usr/bin/tar --extract --file=/dev/vdb --directory=/ --keep-directory-symlink
ExecStart=/sbin/agetty --autologin root --login-options '-f root' 115200 ttyS0 vt100
ExecStopPost=/bin/systemctl poweroff --force --force
TTYPath=/dev/ttyS0
TTYReset=yes

[Install]
WantedBy=multi-user.target
END
systemctl --quiet --root="$root" enable vm-case.service vm-shell.service
rm -rf "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/usr/share/locale"
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
"""

TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "qemu-system-x86_64": "qemu-system-x86",
    "apt-get": "apt",
}


class GuestError(Exception):
    """Anything that keeps a guest from being built or from ending as it should."""


class EmulatorError(GuestError):
    """What is to blame is the emulated machine and nothing that runs in it: it may be tried again.
    The guest did not get as far as its case, or its clock stood still, which no program can do (QEMU
    7.2 loses a timer interrupt once in some fifty boots, and both CPUs idle for ever)."""


@dataclasses.dataclass
class Image:
    folder: pathlib.Path

    @property
    def disk(self) -> pathlib.Path:
        return self.folder / "disk.raw"

    def kernel(self, name: str) -> pathlib.Path:
        return self.folder / f"vmlinuz-{name}"

    def initrd(self, name: str) -> pathlib.Path:
        return self.folder / f"initrd-{name}.img"


@dataclasses.dataclass
class Boot:
    """The machine of one boot. `swap` is none, disk, slow, zram, which is set up in the guest, or
    zswap, which is disk with zswap before it, on the other kernel.
    `node_mib`: its memory nodes, if there are to be several; all CPUs are the first one's."""

    memory_mib: int = 1024
    node_mib: tuple[int, ...] = ()
    cpus: int = 2
    swap: str = "none"
    swap_mib: int = 512
    slow_iops: int = 60
    slow_bytes_per_second: int = 2 << 20
    cmdline: str = ""
    timeout_seconds: int = 420  # what takes longest needs 180 s on a quiet host


def require_tools() -> None:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    os.environ["PATH"] = path
    missing = [f"{tool} (package {package})" for tool, package in TOOLS.items()
               if not shutil.which(tool)]
    if missing:
        raise GuestError("the guest needs tools that are not installed: " + ", ".join(missing))


def apt_sources() -> str:
    """The host's own apt sources for the guest's release, one deb line each."""
    fmt = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(RELEASE)|$(COMPONENT)"
    listing = subprocess.run(["apt-get", "indextargets", "--format", fmt], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    keyring = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    option = f"[signed-by={keyring}] " if keyring.exists() else ""
    lines = []
    for row in listing.splitlines():
        created_by, origin, uri, codename, release, component = row.split("|")
        if created_by == "Packages" and origin == "Debian" and codename.startswith(SUITE):
            lines.append(f"deb {option}{uri} {release} {component}")
    if not lines:
        raise GuestError(f"apt on this machine has no lists of Debian {SUITE}: "
                         "run apt-get update with Debian's sources configured")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def apt_proxy_options() -> list[str]:
    """mmdebstrap does not read the host's apt configuration: hand on what reaches the mirror."""
    dump = subprocess.run(["apt-config", "dump"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::Check-")
    return [f"--aptopt={line}" for line in dump.splitlines()
            if line.startswith(wanted) and ' "' in line and ':: "' not in line]


def recipe_hash() -> str:
    recipe = "\0".join([SUITE, DISK_SIZE, *PACKAGES, *EXCLUDES, ESSENTIAL_HOOK, CUSTOMIZE_HOOK])
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def run_logged(command: list[str], log: pathlib.Path, **kwargs) -> None:
    with open(log, "ab") as out:
        out.write(("+ " + shlex.join(command) + "\n").encode())
        out.flush()
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                **kwargs).returncode
    if status:
        raise GuestError(f"{command[0]} failed with status {status}; the end of {log}:\n"
                         + tail(log, 25))


def tail(path: pathlib.Path, lines: int) -> str:
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line.rstrip() for line in text.splitlines()[-lines:])


@contextlib.contextmanager
def locked(path: pathlib.Path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cache_of(folder: pathlib.Path) -> pathlib.Path:
    return folder / f"guest-{recipe_hash()}"


def is_built(folder: pathlib.Path) -> bool:
    return cache_of(folder).is_dir()


def build(folder: pathlib.Path) -> Image:
    """The image for this recipe, from the cache or built now."""
    require_tools()
    folder.mkdir(parents=True, exist_ok=True)
    cache = cache_of(folder)
    image = Image(cache)
    with locked(folder / "build.lock"):
        if cache.is_dir():
            return image
        for stale in folder.glob("building-*"):
            shutil.rmtree(stale)
        work = pathlib.Path(tempfile.mkdtemp(prefix="building-", dir=folder))
        try:
            build_in(work)
            for old in folder.glob("guest-*"):
                shutil.rmtree(old)
            work.rename(cache)
        except BaseException:
            if (work / "build.log").exists():
                (work / "build.log").replace(folder / "build-failed.log")
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return image


def build_in(work: pathlib.Path) -> None:
    log = work / "build.log"
    root = work / "root"
    sources = work / "sources.list"
    sources.write_text(apt_sources())
    hooks = []
    for kind, text in (("essential", ESSENTIAL_HOOK), ("customize", CUSTOMIZE_HOOK)):
        script = work / f"{kind}.sh"
        script.write_text("#!/bin/sh\n" + text)
        script.chmod(0o755)
        hooks.append(f"--{kind}-hook={shlex.quote(str(script.resolve()))} \"$1\"")
    run_logged(["mmdebstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES),
                *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDES),
                *apt_proxy_options(), *hooks, SUITE, str(root), str(sources)],
               log, env={**os.environ, "TMPDIR": str(work.resolve()), "LC_ALL": "C.UTF-8"})
    image = Image(work)
    for suffix, name in KERNELS.items():
        for pattern, target in ((f"vmlinuz-*[0-9]-{suffix}", image.kernel(name)),
                                (f"initrd.img-*[0-9]-{suffix}", image.initrd(name))):
            found = sorted((root / "boot").glob(pattern))
            if len(found) != 1:
                raise GuestError(f"expected one {pattern} in the new root, found {len(found)}")
            shutil.copyfile(found[0], target)
    run_logged(["mke2fs", "-q", "-t", "ext4", "-d", str(root), "-L", "root", "-m", "0",
                "-E", "lazy_itable_init=0", str(work / "disk.raw"), DISK_SIZE], log)
    shutil.rmtree(root)


def write_tar(tree: pathlib.Path, target: pathlib.Path) -> None:
    """The tree as a tar that fills whole sectors, owned by root whoever runs this."""
    def root_owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for entry in sorted(tree.iterdir()):
            tar.add(entry, arcname=entry.name, filter=root_owned)


def die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def qemu_command(image: Image, machine: Boot, work: pathlib.Path, append: str,
                 serial: list[str]) -> list[str]:
    payload, results, swap = work / "payload.tar", work / "results.raw", work / "swap.raw"
    kernel = "generic" if machine.swap == "zswap" else "cloud"
    with open(results, "wb") as out:
        out.truncate(RESULTS_BYTES)
    drives = [f"file={image.disk},format=raw,if=none,id=root,snapshot=on,cache=unsafe",
              f"file={payload},format=raw,if=none,id=payload,readonly=on",
              f"file={results},format=raw,if=none,id=results,cache=unsafe"]
    if machine.swap in ("disk", "slow", "zswap"):
        with open(swap, "wb") as out:
            out.truncate(machine.swap_mib << 20)
        slow = ""
        if machine.swap == "slow":
            slow = (f",throttling.iops-total={machine.slow_iops}"
                    f",throttling.bps-total={machine.slow_bytes_per_second}")
        drives.append(f"file={swap},format=raw,if=none,id=swap,cache=unsafe{slow}")
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
               "-display", "none", "-accel", "tcg,thread=multi", "-cpu", "max",
               "-smp", str(machine.cpus), "-m", str(machine.memory_mib),
               "-kernel", str(image.kernel(kernel)), "-initrd", str(image.initrd(kernel)),
               "-append", append, *serial]
    for node, size in enumerate(machine.node_mib):
        cpus = f",cpus=0-{machine.cpus - 1}" if node == 0 else ""
        command += ["-object", f"memory-backend-ram,id=node{node},size={size}M",
                    "-numa", f"node,nodeid={node},memdev=node{node}{cpus}"]
    for drive in drives:
        name = drive.split("id=")[1].split(",")[0]
        command += ["-drive", drive, "-device", f"virtio-blk-pci,drive={name},serial={name}"]
    return command


def kernel_command_line(machine: Boot, extra: str = "") -> str:
    # The console shows what is worse than a warning: printing a whole OOM report on an emulated
    # serial port takes long enough to change what is measured. The log has it all.
    # Tracepoints are on before there is a second CPU. When one is switched on later, each CPU that
    # comes by has to see a breakpoint come and go, and QEMU 7.2 may go on with what it had translated:
    # one CPU meets the breakpoint for ever, with the other waiting for it.
    tracing = ("trace_event=signal:signal_generate,oom:mark_victim,sched:sched_process_exit "
               "trace_clock=mono trace_options=record-tgid trace_buf_size=1M")
    zswap = "zswap.enabled=1 " if machine.swap == "zswap" else ""
    return (f"{tracing} {zswap}root=/dev/vda rw console=ttyS0 quiet loglevel=4 panic=1 oops=panic "
            f"unknown_nmi_panic "
            f"systemd.show_status=0 systemd.unit=multi-user.target net.ifnames=0 mitigations=off "
            f"vm.swap={machine.swap} vm.swap_mib={machine.swap_mib} "
            f"vm.timeout={machine.timeout_seconds} {machine.cmdline} {extra}").strip()


@contextlib.contextmanager
def workspace(folder: pathlib.Path):
    """An empty folder for one boot, gone afterwards. Whoever holds it has the only guest: two
    would measure each other. What a killed predecessor left is cleared here."""
    folder.mkdir(parents=True, exist_ok=True)
    work = folder.resolve() / "work"
    with locked(folder / "run.lock"):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def boot(image: Image, machine: Boot, payload: pathlib.Path, results: pathlib.Path,
         work: pathlib.Path) -> float:
    """Boots with the tree `payload` laid over the root; leaves what the case reported, and the
    console, in the folder `results`. Returns the seconds it took; raises GuestError otherwise."""
    require_tools()
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    console = results / "console.log"
    write_tar(payload, work / "payload.tar")
    command = qemu_command(image, machine, work, kernel_command_line(machine),
                           ["-serial", f"file:{console}"])
    start = time.monotonic()
    run_qemu(command, work, console, machine.timeout_seconds + 90)
    seconds = time.monotonic() - start
    extract_results(work / "results.raw", results, console)
    return seconds


def run_qemu(command: list[str], work: pathlib.Path, console: pathlib.Path, limit: int) -> None:
    monitor = work / "monitor"  # named in it without the folder: a socket's path has 107 bytes
    command = [*command, "-monitor", "unix:monitor,server=on,wait=off"]
    with open(work / "qemu.log", "wb") as log:
        qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=work,
                                preexec_fn=die_with_parent, env={**os.environ, "TMPDIR": str(work)})
        start = time.monotonic()
        try:
            if not ended(qemu, BOOT_SECONDS, lambda: BOOTED in read_bytes(console)):
                show_where(qemu, monitor)
                raise EmulatorError(f"the guest did not boot within {BOOT_SECONDS} s; the end of "
                                    f"its console:\n{tail(console, 60)}")
            ended(qemu, limit, lambda: STARVED in read_bytes(console))
            if qemu.poll() is None:
                seconds = time.monotonic() - start
                show_where(qemu, monitor)
                check_clock(console, seconds)
                raise GuestError(f"the guest did not end within {seconds:.0f} s; the end of its "
                                 f"console:\n{tail(console, 60)}")
        finally:
            if qemu.poll() is None:
                qemu.kill()
                qemu.wait()
    if qemu.returncode:
        raise GuestError(f"qemu ended with status {qemu.returncode}:\n"
                         + tail(work / "qemu.log", 10))
    if b"Kernel panic" in read_bytes(console):
        raise GuestError("the guest's kernel panicked; the end of its console:\n"
                         + tail(console, 40))


def ended(process: subprocess.Popen, limit: float, enough=lambda: False) -> bool:
    """Waits until the process has ended or `enough` is so; False when neither within the limit."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if process.poll() is not None or enough():
            return True
        time.sleep(0.2)
    return False


def show_where(qemu: subprocess.Popen, monitor: pathlib.Path) -> None:
    """Has a guest that hangs say on its console where it does: an NMI nobody expects is a panic."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(str(monitor))
        line.sendall(b"nmi\n")
        line.recv(4096)
        ended(qemu, 10)


def check_clock(console: pathlib.Path, seconds: float) -> None:
    found = STOPPED.search(read_bytes(console))
    if found and int(found[1]) < seconds - STOPPED_SECONDS:
        raise EmulatorError(f"the guest's clock stood still at {int(found[1])} s, "
                            f"{seconds:.0f} s after the start; the end of its console:\n"
                            + tail(console, 60))


def read_bytes(path: pathlib.Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def extract_results(drive: pathlib.Path, results: pathlib.Path, console: pathlib.Path) -> None:
    """The guest writes the member `complete` last: its absence means a torn archive."""
    try:
        with open(drive, "rb") as raw, tarfile.open(fileobj=raw, mode="r:") as tar:
            for member in tar:
                target = results / os.path.normpath("/" + member.name).lstrip("/")
                if member.isfile():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(tar.extractfile(member).read())
    except (tarfile.TarError, EOFError) as error:
        raise GuestError(f"the guest left no results ({error}); the end of its console:\n"
                         + tail(console, 40)) from None
    if not (results / "complete").exists():
        raise GuestError("the guest's results are torn; the end of its console:\n"
                         + tail(console, 40))


def shell(image: Image, machine: Boot, payload: pathlib.Path | None, folder: pathlib.Path) -> None:
    """A root shell on the guest's serial console; leaving it powers the guest off."""
    with workspace(folder) as work:
        if payload:
            write_tar(payload, work / "payload.tar")
        else:
            with tarfile.open(work / "payload.tar", "w") as tar:
                tar.addfile(tarfile.TarInfo("vm"), io.BytesIO())
        command = qemu_command(image, machine, work, kernel_command_line(machine, "vm.shell"),
                               ["-chardev", "stdio,id=c,signal=off", "-serial", "chardev:c"])
        subprocess.run(command, env={**os.environ, "TMPDIR": str(work)},
                       preexec_fn=die_with_parent)


def main() -> int:
    parser = argparse.ArgumentParser(description="The guest of the vm suite.")
    parser.add_argument("command", choices=["build", "shell"])
    parser.add_argument("--build-dir", type=pathlib.Path, required=True, help="e.g. build/vm")
    parser.add_argument("--payload", type=pathlib.Path, help="tree to lay over the guest's root")
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB")
    parser.add_argument("--swap", choices=["none", "disk", "slow", "zram", "zswap"], default="none")
    parser.add_argument("--append", default="", help="more kernel command line, such as psi=0")
    arguments = parser.parse_args()
    try:
        start = time.monotonic()
        image = build(arguments.build_dir)
        if arguments.command == "build":
            print(f"{image.disk.parent} ready after {time.monotonic() - start:.1f} s")
        else:
            shell(image, Boot(memory_mib=arguments.memory, swap=arguments.swap,
                              cmdline=arguments.append), arguments.payload, arguments.build_dir)
    except GuestError as error:
        print(f"guest.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
