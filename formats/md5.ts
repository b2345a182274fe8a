/**
 * MD5 (RFC 1321) of bytes in a scratch buffer, of which only the first 60 bits are wanted, with no object a call.
 *
 * Why our own: a row's canonical form has 60 to 120 bytes, and at that length the way into OpenSSL costs more than the
 * digest. Measured on 78 bytes, one thread: this 275 ns, crypto.hash() 476 ns, createHash() 1,448 ns; on 130 bytes 347, 581
 * and 1,528. At 1,000 bytes it is even (1,773 and 1,655), so from NATIVE_FROM_BYTES on crypto.hash() is used.
 */
import { hash } from 'node:crypto';
import type { Scratch } from './scratch.ts';

/** 60 bits as two 30-bit halves, so that sums of millions stay exact in doubles. */
export interface Hash60 {
  high: number;
  low: number;
}

const NATIVE_FROM_BYTES = 1024;

/**
 * Hashes the first `length` bytes and overwrites what follows them (padding; every scratch has room for it).
 * @param out receives the first 15 hex digits of the digest
 */
export function md5First60(input: Scratch, length: number, out: Hash60): void {
  if (length >= NATIVE_FROM_BYTES) {
    const hex = hash('md5', input.bytes.subarray(0, length), 'hex');
    const first = parseInt(hex.slice(0, 8), 16);
    const second = parseInt(hex.slice(8, 16), 16);
    out.high = first >>> 2;
    out.low = ((first & 3) << 28) | (second >>> 4);
    return;
  }
  const { bytes, words } = input;
  const end = ((length + 8) >>> 6) * 16 + 14; // index of the word that holds the length in bits
  bytes[length] = 0x80;
  let pad = length + 1;
  while ((pad & 3) !== 0) bytes[pad++] = 0;
  for (let i = pad >>> 2; i < end; i++) words[i] = 0;
  words[end] = length << 3;
  words[end + 1] = 0;

  let a0 = 0x67452301;
  let b0 = -0x10325477;
  let c0 = -0x67452302;
  let d0 = 0x10325476;
  for (let i = 0; i < end; i += 16) {
    const x0 = words[i + 0] as number;
    const x1 = words[i + 1] as number;
    const x2 = words[i + 2] as number;
    const x3 = words[i + 3] as number;
    const x4 = words[i + 4] as number;
    const x5 = words[i + 5] as number;
    const x6 = words[i + 6] as number;
    const x7 = words[i + 7] as number;
    const x8 = words[i + 8] as number;
    const x9 = words[i + 9] as number;
    const x10 = words[i + 10] as number;
    const x11 = words[i + 11] as number;
    const x12 = words[i + 12] as number;
    const x13 = words[i + 13] as number;
    const x14 = words[i + 14] as number;
    const x15 = words[i + 15] as number;
    let a = a0;
    let b = b0;
    let c = c0;
    let d = d0;
    let t = 0;
    t = (a + (d ^ (b & (c ^ d))) + x0 - 0x28955b88) | 0;
    a = (((t << 7) | (t >>> 25)) + b) | 0;
    t = (d + (c ^ (a & (b ^ c))) + x1 - 0x173848aa) | 0;
    d = (((t << 12) | (t >>> 20)) + a) | 0;
    t = (c + (b ^ (d & (a ^ b))) + x2 + 0x242070db) | 0;
    c = (((t << 17) | (t >>> 15)) + d) | 0;
    t = (b + (a ^ (c & (d ^ a))) + x3 - 0x3e423112) | 0;
    b = (((t << 22) | (t >>> 10)) + c) | 0;
    t = (a + (d ^ (b & (c ^ d))) + x4 - 0xa83f051) | 0;
    a = (((t << 7) | (t >>> 25)) + b) | 0;
    t = (d + (c ^ (a & (b ^ c))) + x5 + 0x4787c62a) | 0;
    d = (((t << 12) | (t >>> 20)) + a) | 0;
    t = (c + (b ^ (d & (a ^ b))) + x6 - 0x57cfb9ed) | 0;
    c = (((t << 17) | (t >>> 15)) + d) | 0;
    t = (b + (a ^ (c & (d ^ a))) + x7 - 0x2b96aff) | 0;
    b = (((t << 22) | (t >>> 10)) + c) | 0;
    t = (a + (d ^ (b & (c ^ d))) + x8 + 0x698098d8) | 0;
    a = (((t << 7) | (t >>> 25)) + b) | 0;
    t = (d + (c ^ (a & (b ^ c))) + x9 - 0x74bb0851) | 0;
    d = (((t << 12) | (t >>> 20)) + a) | 0;
    t = (c + (b ^ (d & (a ^ b))) + x10 - 0xa44f) | 0;
    c = (((t << 17) | (t >>> 15)) + d) | 0;
    t = (b + (a ^ (c & (d ^ a))) + x11 - 0x76a32842) | 0;
    b = (((t << 22) | (t >>> 10)) + c) | 0;
    t = (a + (d ^ (b & (c ^ d))) + x12 + 0x6b901122) | 0;
    a = (((t << 7) | (t >>> 25)) + b) | 0;
    t = (d + (c ^ (a & (b ^ c))) + x13 - 0x2678e6d) | 0;
    d = (((t << 12) | (t >>> 20)) + a) | 0;
    t = (c + (b ^ (d & (a ^ b))) + x14 - 0x5986bc72) | 0;
    c = (((t << 17) | (t >>> 15)) + d) | 0;
    t = (b + (a ^ (c & (d ^ a))) + x15 + 0x49b40821) | 0;
    b = (((t << 22) | (t >>> 10)) + c) | 0;
    t = (a + (c ^ (d & (b ^ c))) + x1 - 0x9e1da9e) | 0;
    a = (((t << 5) | (t >>> 27)) + b) | 0;
    t = (d + (b ^ (c & (a ^ b))) + x6 - 0x3fbf4cc0) | 0;
    d = (((t << 9) | (t >>> 23)) + a) | 0;
    t = (c + (a ^ (b & (d ^ a))) + x11 + 0x265e5a51) | 0;
    c = (((t << 14) | (t >>> 18)) + d) | 0;
    t = (b + (d ^ (a & (c ^ d))) + x0 - 0x16493856) | 0;
    b = (((t << 20) | (t >>> 12)) + c) | 0;
    t = (a + (c ^ (d & (b ^ c))) + x5 - 0x29d0efa3) | 0;
    a = (((t << 5) | (t >>> 27)) + b) | 0;
    t = (d + (b ^ (c & (a ^ b))) + x10 + 0x2441453) | 0;
    d = (((t << 9) | (t >>> 23)) + a) | 0;
    t = (c + (a ^ (b & (d ^ a))) + x15 - 0x275e197f) | 0;
    c = (((t << 14) | (t >>> 18)) + d) | 0;
    t = (b + (d ^ (a & (c ^ d))) + x4 - 0x182c0438) | 0;
    b = (((t << 20) | (t >>> 12)) + c) | 0;
    t = (a + (c ^ (d & (b ^ c))) + x9 + 0x21e1cde6) | 0;
    a = (((t << 5) | (t >>> 27)) + b) | 0;
    t = (d + (b ^ (c & (a ^ b))) + x14 - 0x3cc8f82a) | 0;
    d = (((t << 9) | (t >>> 23)) + a) | 0;
    t = (c + (a ^ (b & (d ^ a))) + x3 - 0xb2af279) | 0;
    c = (((t << 14) | (t >>> 18)) + d) | 0;
    t = (b + (d ^ (a & (c ^ d))) + x8 + 0x455a14ed) | 0;
    b = (((t << 20) | (t >>> 12)) + c) | 0;
    t = (a + (c ^ (d & (b ^ c))) + x13 - 0x561c16fb) | 0;
    a = (((t << 5) | (t >>> 27)) + b) | 0;
    t = (d + (b ^ (c & (a ^ b))) + x2 - 0x3105c08) | 0;
    d = (((t << 9) | (t >>> 23)) + a) | 0;
    t = (c + (a ^ (b & (d ^ a))) + x7 + 0x676f02d9) | 0;
    c = (((t << 14) | (t >>> 18)) + d) | 0;
    t = (b + (d ^ (a & (c ^ d))) + x12 - 0x72d5b376) | 0;
    b = (((t << 20) | (t >>> 12)) + c) | 0;
    t = (a + (b ^ c ^ d) + x5 - 0x5c6be) | 0;
    a = (((t << 4) | (t >>> 28)) + b) | 0;
    t = (d + (a ^ b ^ c) + x8 - 0x788e097f) | 0;
    d = (((t << 11) | (t >>> 21)) + a) | 0;
    t = (c + (d ^ a ^ b) + x11 + 0x6d9d6122) | 0;
    c = (((t << 16) | (t >>> 16)) + d) | 0;
    t = (b + (c ^ d ^ a) + x14 - 0x21ac7f4) | 0;
    b = (((t << 23) | (t >>> 9)) + c) | 0;
    t = (a + (b ^ c ^ d) + x1 - 0x5b4115bc) | 0;
    a = (((t << 4) | (t >>> 28)) + b) | 0;
    t = (d + (a ^ b ^ c) + x4 + 0x4bdecfa9) | 0;
    d = (((t << 11) | (t >>> 21)) + a) | 0;
    t = (c + (d ^ a ^ b) + x7 - 0x944b4a0) | 0;
    c = (((t << 16) | (t >>> 16)) + d) | 0;
    t = (b + (c ^ d ^ a) + x10 - 0x41404390) | 0;
    b = (((t << 23) | (t >>> 9)) + c) | 0;
    t = (a + (b ^ c ^ d) + x13 + 0x289b7ec6) | 0;
    a = (((t << 4) | (t >>> 28)) + b) | 0;
    t = (d + (a ^ b ^ c) + x0 - 0x155ed806) | 0;
    d = (((t << 11) | (t >>> 21)) + a) | 0;
    t = (c + (d ^ a ^ b) + x3 - 0x2b10cf7b) | 0;
    c = (((t << 16) | (t >>> 16)) + d) | 0;
    t = (b + (c ^ d ^ a) + x6 + 0x4881d05) | 0;
    b = (((t << 23) | (t >>> 9)) + c) | 0;
    t = (a + (b ^ c ^ d) + x9 - 0x262b2fc7) | 0;
    a = (((t << 4) | (t >>> 28)) + b) | 0;
    t = (d + (a ^ b ^ c) + x12 - 0x1924661b) | 0;
    d = (((t << 11) | (t >>> 21)) + a) | 0;
    t = (c + (d ^ a ^ b) + x15 + 0x1fa27cf8) | 0;
    c = (((t << 16) | (t >>> 16)) + d) | 0;
    t = (b + (c ^ d ^ a) + x2 - 0x3b53a99b) | 0;
    b = (((t << 23) | (t >>> 9)) + c) | 0;
    t = (a + (c ^ (b | ~d)) + x0 - 0xbd6ddbc) | 0;
    a = (((t << 6) | (t >>> 26)) + b) | 0;
    t = (d + (b ^ (a | ~c)) + x7 + 0x432aff97) | 0;
    d = (((t << 10) | (t >>> 22)) + a) | 0;
    t = (c + (a ^ (d | ~b)) + x14 - 0x546bdc59) | 0;
    c = (((t << 15) | (t >>> 17)) + d) | 0;
    t = (b + (d ^ (c | ~a)) + x5 - 0x36c5fc7) | 0;
    b = (((t << 21) | (t >>> 11)) + c) | 0;
    t = (a + (c ^ (b | ~d)) + x12 + 0x655b59c3) | 0;
    a = (((t << 6) | (t >>> 26)) + b) | 0;
    t = (d + (b ^ (a | ~c)) + x3 - 0x70f3336e) | 0;
    d = (((t << 10) | (t >>> 22)) + a) | 0;
    t = (c + (a ^ (d | ~b)) + x10 - 0x100b83) | 0;
    c = (((t << 15) | (t >>> 17)) + d) | 0;
    t = (b + (d ^ (c | ~a)) + x1 - 0x7a7ba22f) | 0;
    b = (((t << 21) | (t >>> 11)) + c) | 0;
    t = (a + (c ^ (b | ~d)) + x8 + 0x6fa87e4f) | 0;
    a = (((t << 6) | (t >>> 26)) + b) | 0;
    t = (d + (b ^ (a | ~c)) + x15 - 0x1d31920) | 0;
    d = (((t << 10) | (t >>> 22)) + a) | 0;
    t = (c + (a ^ (d | ~b)) + x6 - 0x5cfebcec) | 0;
    c = (((t << 15) | (t >>> 17)) + d) | 0;
    t = (b + (d ^ (c | ~a)) + x13 + 0x4e0811a1) | 0;
    b = (((t << 21) | (t >>> 11)) + c) | 0;
    t = (a + (c ^ (b | ~d)) + x4 - 0x8ac817e) | 0;
    a = (((t << 6) | (t >>> 26)) + b) | 0;
    t = (d + (b ^ (a | ~c)) + x11 - 0x42c50dcb) | 0;
    d = (((t << 10) | (t >>> 22)) + a) | 0;
    t = (c + (a ^ (d | ~b)) + x2 + 0x2ad7d2bb) | 0;
    c = (((t << 15) | (t >>> 17)) + d) | 0;
    t = (b + (d ^ (c | ~a)) + x9 - 0x14792c6f) | 0;
    b = (((t << 21) | (t >>> 11)) + c) | 0;
    a0 = (a0 + a) | 0;
    b0 = (b0 + b) | 0;
    c0 = (c0 + c) | 0;
    d0 = (d0 + d) | 0;
  }
  const first = swap(a0);
  const second = swap(b0);
  out.high = first >>> 2;
  out.low = ((first & 3) << 28) | (second >>> 4);
}

/** The digest's bytes are the words' in little-endian order; its hex digits read the other way. */
function swap(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
