/** An id unlike any other. It is no secret: what makes those takes 4 ms to load, which is much of what a short command takes. */
export function randomId(): string {
  return Array.from({ length: 4 }, randomWord).join('');
}

/** 32 bits, in hexadecimal. */
function randomWord(): string {
  return Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
