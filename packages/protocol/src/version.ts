/** The version of every part: they are released together. A test holds it against package.json. */
export const version = '0.1.0';
