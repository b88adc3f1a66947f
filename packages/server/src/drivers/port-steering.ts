import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/*
 * Two servers that share a port (SO_REUSEPORT) get new connections by a hash, and those that wait at the one that is
 * closed are reset: it has to be cut off from new ones first. Linux takes a program that chooses for the group, and
 * nothing but a system call hands it over.
 */

const GLIBC = "libc.so.6";
const MUSL = "libc.so";
const SOL_SOCKET = 1;
const SO_ATTACH_REUSEPORT_CBPF = 51;
/** `BPF_RET | BPF_K`: the constant of the instruction is the answer. */
const RETURN_CONSTANT = 0x06;
/** Sockets of a group are numbered in the order in which they began to listen. */
const SECOND = 1;
/** State of a listening socket in /proc/net/tcp. */
const LISTENING = "0A";

/**
 * Sends every new connection to the second of the two servers of this process on `port`. Once there is one only, it is
 * that one, and the next to join is the second again. False where this cannot be had; nothing has changed then.
 */
export function steerToSecond(port: number): boolean {
  if (process.platform !== "linux") return false;
  try {
    const descriptor = listeningDescriptor(port);
    return descriptor !== null && attach(descriptor, programReturning(SECOND));
  } catch {
    // No /proc, another C library, a system call that a sandbox forbids.
    return false;
  }
}

/** One descriptor of the group is as good as the other. The runtime does not tell those of its servers. */
function listeningDescriptor(port: number): number | null {
  const inodes = new Set(["tcp", "tcp6"].flatMap((family) => listeningInodes(family, port)));
  for (const descriptor of readdirSync("/proc/self/fd")) {
    const inode = /^socket:\[(\d+)\]$/.exec(targetOf(descriptor))?.[1];
    if (inode !== undefined && inodes.has(inode)) return Number(descriptor);
  }
  return null;
}

/** `readdirSync` lists the descriptor that it reads with, which is gone by now. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return "";
  }
}

/** proc(5): the fields of a line are `sl local_address rem_address st ... inode`, the inode being the tenth. */
function listeningInodes(family: string, port: number): string[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync(`/proc/self/net/${family}`, "latin1").split("\n").slice(1);
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[3] === LISTENING && fields[1]?.endsWith(ending) ? (fields[9] ?? []) : [];
  });
}

/** `struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; }` */
function programReturning(index: number): Uint8Array {
  const instruction = new DataView(new ArrayBuffer(8));
  instruction.setUint16(0, RETURN_CONSTANT, true);
  instruction.setUint32(4, index, true);
  return new Uint8Array(instruction.buffer);
}

/** `struct sock_fprog { unsigned short len; struct sock_filter *filter; }` */
function attach(descriptor: number, program: Uint8Array): boolean {
  const handle = new DataView(new ArrayBuffer(16));
  handle.setUint16(0, program.length / 8, true);
  handle.setBigUint64(8, BigInt(ptr(program)), true);
  const { setsockopt } = libc();
  return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(handle), handle.byteLength) === 0;
}

/** @throws where neither name is one that the loader knows. */
function libc() {
  const wanted = { setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" } } as const;
  try {
    return dlopen(GLIBC, wanted).symbols;
  } catch {
    return dlopen(MUSL, wanted).symbols;
  }
}
