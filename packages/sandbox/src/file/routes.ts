import type { Handlers } from '@paddock/http';
import type { aio } from '@paddock/protocol';
import { listFolder } from './list.ts';
import { readText } from './read.ts';
import { decodeContent, writeBytes } from './write.ts';

/** Binds the file operations to the API. */
export function fileRoutes(): Handlers<typeof aio.file> {
  return {
    async read({ file, start_line, end_line }) {
      const range = { startLine: start_line ?? undefined, endLine: end_line ?? undefined };
      return { content: await readText(file, range), file };
    },

    async write({ file, content, encoding, append, leading_newline, trailing_newline }) {
      const newline = (wanted: boolean | null | undefined) => Buffer.from(wanted ? '\n' : '');
      const body = decodeContent(file, content, encoding ?? 'utf-8');
      const bytes = Buffer.concat([newline(leading_newline), body, newline(trailing_newline)]);
      await writeBytes(file, bytes, { append: append ?? false });
      return { file, bytes_written: bytes.length };
    },

    async list(request) {
      const files = await listFolder(request.path, {
        recursive: request.recursive ?? false,
        showHidden: request.show_hidden ?? true,
        fileTypes: request.file_types ?? [],
        maxDepth: request.max_depth ?? Number.POSITIVE_INFINITY,
        includeSize: request.include_size ?? true,
        includePermissions: request.include_permissions ?? false,
        sortBy: request.sort_by ?? 'name',
        descending: request.sort_desc ?? false,
      });
      const directories = files.filter((entry) => entry.is_directory).length;
      return {
        path: request.path,
        files,
        total_count: files.length,
        directory_count: directories,
        file_count: files.length - directories,
      };
    },
  };
}
