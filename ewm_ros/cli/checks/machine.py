"""The machine: clocks, what DDS needs of it, disk."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sys
import time

from ewm_ros.cli.checks.finding import Finding

STA_UNSYNC = 0x0040  # of adjtimex(2)
STATUS = 40  # offset of `status` in struct timex, on 64-bit Linux
TIMEX = 208  # bytes of it
EARLIEST = 1_735_689_600.0  # 2025-01-01: an earlier time of day was never set
PAUSE = 0.05  # s
SHARED_MEMORY = "/dev/shm"
SHARED_FREE = 32e6  # bytes; Fast DDS takes about 0.5 MB a process
SOCKET_BUFFER = 200 * 1024  # bytes; the kernel's default lets 208 KiB be asked for


def machine() -> list[Finding]:
    """Everything about it."""
    return [_clock(), _steady_clock(), _shared_memory(), _socket_buffers(), _disk()]


def _clock() -> Finding:
    if time.time() < EARLIEST:
        found, fine = time.strftime("it is %Y-%m-%d: the time was never set"), False
    else:
        synchronised = _synchronised()
        fine = synchronised is not False
        found = {True: "synchronised", False: "not synchronised", None: "nobody can be asked whether it is right"}[
            synchronised
        ]
    remedy = "timedatectl set-ntp true, or install chrony; robots do not need it, stamps of bags and logs do"
    return Finding("time of day", fine, False, found, remedy)


def _synchronised() -> bool | None:
    """Whether the kernel says that somebody keeps the clock right; None if it says nothing."""
    state = ctypes.create_string_buffer(TIMEX)
    try:
        answered: int = ctypes.CDLL(None).adjtimex(state)
    except (AttributeError, OSError):  # another C library, another system
        return None
    if answered < 0:
        return None
    status = int.from_bytes(state.raw[STATUS : STATUS + 4], sys.byteorder)
    return not status & STA_UNSYNC


def _steady_clock() -> Finding:
    before, counted = time.monotonic(), time.perf_counter()
    time.sleep(PAUSE)
    passed, by_counter = time.monotonic() - before, time.perf_counter() - counted
    resolution = time.get_clock_info("monotonic").resolution
    fine = passed >= 0.9 * PAUSE and abs(passed - by_counter) < PAUSE and resolution <= 1e-3
    found = f"{1e3 * passed:.0f} ms passed in a pause of {1e3 * PAUSE:.0f} ms"
    return Finding("steady clock", fine, True, found, "the watchdogs need CLOCK_MONOTONIC: look at the virtual machine")


def _shared_memory() -> Finding:
    remedy = "more room in /dev/shm (docker run --shm-size=256m); without it DDS is slower"
    if not os.access(SHARED_MEMORY, os.W_OK):
        return Finding("shared memory", False, False, f"{SHARED_MEMORY} cannot be written to", remedy)
    free = shutil.disk_usage(SHARED_MEMORY).free
    return Finding("shared memory", free >= SHARED_FREE, False, f"{free / 1e6:.0f} MB free in {SHARED_MEMORY}", remedy)


def _socket_buffers() -> Finding:
    """What UDP sockets get who ask for much; the kernel's limits cannot be read in every container."""
    granted = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for name, option in (("receive", socket.SO_RCVBUF), ("send", socket.SO_SNDBUF)):
            probe.setsockopt(socket.SOL_SOCKET, option, 2**22)
            granted[name] = probe.getsockopt(socket.SOL_SOCKET, option) // 2  # Linux doubles it for its own use
    found = ", ".join(f"{name} {size // 1024} KiB" for name, size in granted.items())
    fine = min(granted.values()) >= SOCKET_BUFFER
    remedy = "sudo sysctl -w net.core.rmem_max=2097152 net.core.wmem_max=2097152, for large fleets and maps"
    return Finding("UDP buffers", fine, False, found, remedy)


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    return Finding("disk", free > 1.0, False, f"{free:.0f} GB free here", "bags need room: free some")
