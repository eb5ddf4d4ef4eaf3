/**
 * Serves operation tables over node:http: the one border at which requests are checked and failures become answers.
 */
export { type Answer, type BytesAnswer, type Reply, reply, type ServerEvent, stream } from './answer.ts';
export type { Form, FormPart } from './form.ts';
export { InvalidInput } from './input.ts';
export { endGently, isStillSending } from './linger.ts';
export { type Call, type Handler, type Handlers, Routes } from './routes.ts';
export { sendFailure } from './send.ts';
export { type FaultLog, type ServeOptions, serve } from './serve.ts';
export { answerOnSocket } from './socket-answer.ts';
export { Use } from './use.ts';
