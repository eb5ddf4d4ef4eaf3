/** The processes of the sandbox, as the system shows them. */
export { enterable } from './dir.ts';
export { endAll } from './end.ts';
export {
  commandMembers,
  foregroundGroup,
  groupMembers,
  isAlive,
  type ProcessMark,
  processLink,
  sessionMembers,
  signal,
  sleeps,
} from './proc.ts';
export { quote } from './quote.ts';
