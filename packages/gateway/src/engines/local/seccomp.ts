import { existsSync } from 'node:fs';

/**
 * The calls of the kernel's keyrings, by the instruction sets that a kernel of each processor serves. A process keeps the
 * session keyring of whoever started it through every namespace and change of user, and with it the right to read what
 * the gateway's user keeps there, such as Kerberos tickets. Numbers: asm/unistd.h; audit codes: linux/audit.h.
 */
const keyringCalls: Readonly<
  Record<string, readonly { readonly audit: number; readonly calls: readonly number[] }[]>
> = {
  x64: [
    { audit: 0xc000003e, calls: [248, 249, 250] },
    { audit: 0x40000003, calls: [286, 287, 288] },
  ],
  arm64: [
    { audit: 0xc00000b7, calls: [217, 218, 219] },
    { audit: 0x40000028, calls: [309, 310, 311] },
  ],
};

/** Programs take it for a kernel without keyrings, and do without. */
const ENOSYS = 38;

/** Marks a call of x32, which x86-64 kernels serve under the same audit code. */
const x32Bit = 0x40000000;

/** Classic BPF (linux/bpf_common.h) over struct seccomp_data, which begins with the call's number and the audit code. */
const load = (offset: number) => instruction(0x20, offset);
const and = (mask: number) => instruction(0x54, mask);
const jumpIfEqual = (value: number, then: number, otherwise: number) =>
  instruction(0x15, value, then, otherwise);
const answer = (value: number) => instruction(0x06, value);
const allow = answer(0x7fff0000);
const refuse = answer(0x00050000 | ENOSYS);

/** A seccomp filter that keeps keyrings from sandboxes; undefined where this kernel or processor has none for it. */
export function keyringFilter(): Buffer | undefined {
  const sets = keyringCalls[process.arch];
  if (!sets || !existsSync('/proc/sys/kernel/seccomp/actions_avail')) return undefined;
  // Another instruction set would have other numbers: what is not known is refused.
  return Buffer.concat([load(4), ...sets.flatMap(({ audit, calls }) => checkSet(audit, calls)), refuse]);
}

function checkSet(audit: number, calls: readonly number[]): Buffer[] {
  const checks = [
    load(0),
    and(~x32Bit >>> 0),
    ...calls.map((call, i) => jumpIfEqual(call, calls.length - i, 0)),
    allow,
    refuse,
  ];
  return [jumpIfEqual(audit, 0, checks.length), ...checks];
}

function instruction(code: number, value: number, then = 0, otherwise = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(then, 2);
  bytes.writeUInt8(otherwise, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
