export type { BashExecResult, BashStatus } from './aio/bash.ts';
export type { FileEntry, GlobbedFile, GrepMatch } from './aio/file.ts';
export { type FileErrorType, type FileOperationError, fileErrorCodes } from './aio/file-error.ts';
export { type Aio, aio } from './aio/index.ts';
export { type SandboxContext, sandboxContext } from './aio/sandbox.ts';
export {
  type ShellExecResult,
  type ShellSessionInfo,
  type ShellStatus,
  type ShellViewResult,
  type TerminalOutput,
  terminalInput,
} from './aio/shell.ts';
export { type BindRequest, bootIdHeader, control, tokenHeader } from './bind.ts';
export { document } from './document.ts';
export { type FailureBody, failureBody, type InvalidBody, invalidBody } from './envelope.ts';
export { type ErrorCode, errorCatalogue, Fault, type FaultOptions, isErrorCode } from './errors.ts';
export { sandboxId } from './fields.ts';
export {
  type DownloadOperation,
  type FormOperation,
  fieldsTravelIn,
  type InputOf,
  type Method,
  type Operation,
  type OperationGroup,
  type OperationTable,
  operation,
  pathParameters,
  type RequestOf,
  type ResponseOf,
  type StreamOperation,
} from './operation.ts';
export { metadataLimit, type Provisioned, provisioner } from './provisioner.ts';
export { version } from './version.ts';
