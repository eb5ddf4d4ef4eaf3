import { homedir } from 'node:os';
import { type Handlers, reply } from '@paddock/http';
import type { aio } from '@paddock/protocol';
import { decodeContent } from './content.ts';
import type { Editor } from './editor/index.ts';
import { listFolder } from './list.ts';
import { PathLocks } from './locks.ts';
import { readText } from './read.ts';
import { writeBytes } from './write.ts';

interface FileOptions {
  /** Where uploads go that name no path: the home folder when absent. */
  readonly uploadFolder?: string;
}

/**
 * Binds the file operations to the API. What not every sandbox uses is loaded on first use: start and idle memory are
 * paid for by all.
 */
export function fileRoutes({ uploadFolder = homedir() }: FileOptions = {}): Handlers<typeof aio.file> {
  const locks = new PathLocks();
  let editor: Editor | undefined;
  return {
    async read({ file, start_line, end_line }) {
      const range = { startLine: start_line ?? undefined, endLine: end_line ?? undefined };
      return { content: await readText(file, range), file };
    },

    async write({ file, content, encoding, append, leading_newline, trailing_newline, fsync }) {
      const newline = (wanted: boolean | null | undefined) => Buffer.from(wanted ? '\n' : '');
      const body = decodeContent(file, content, encoding ?? 'utf-8');
      const bytes =
        leading_newline || trailing_newline
          ? Buffer.concat([newline(leading_newline), body, newline(trailing_newline)])
          : body;
      await writeBytes(file, bytes, { append: append ?? false, fsync: fsync ?? false });
      return { file, bytes_written: bytes.length };
    },

    async list(request, { signal }) {
      const { entries, truncated } = await listFolder(request.path, {
        recursive: request.recursive ?? false,
        showHidden: request.show_hidden ?? true,
        fileTypes: request.file_types ?? [],
        maxDepth: request.max_depth ?? Number.POSITIVE_INFINITY,
        includeSize: request.include_size ?? true,
        includePermissions: request.include_permissions ?? false,
        sortBy: request.sort_by ?? 'name',
        descending: request.sort_desc ?? false,
        signal,
      });
      const directories = entries.filter((entry) => entry.is_directory).length;
      const data = {
        path: request.path,
        files: entries,
        total_count: entries.length,
        directory_count: directories,
        file_count: entries.length - directories,
      };
      const hint = truncated ? `There are more: only ${entries.length} are listed.` : undefined;
      return reply(data, { hint });
    },

    async replace({ file, old_str, new_str }) {
      const { replaceInFile } = await import('./replace.ts');
      return { file, replaced_count: await replaceInFile(file, { from: old_str, to: new_str }, locks) };
    },

    async search({ file, regex }) {
      const { searchFile } = await import('./search.ts');
      const { matches, lineNumbers } = await searchFile(file, regex);
      return { file, matches, line_numbers: lineNumbers };
    },

    async find({ path, glob }, { signal }) {
      const { findNames } = await import('./glob.ts');
      return { path, files: await findNames(path, glob, signal) };
    },

    async grep(request, { signal }) {
      const { grep } = await import('./grep/index.ts');
      const result = await grep({
        path: request.path,
        pattern: request.pattern,
        include: request.include ?? [],
        exclude: request.exclude ?? [],
        ignoreCase: request.case_insensitive ?? false,
        fixedStrings: request.fixed_strings ?? false,
        contextBefore: request.context_before ?? 0,
        contextAfter: request.context_after ?? 0,
        maxResults: request.max_results ?? 500,
        offset: request.offset ?? 0,
        maxFileSize: request.max_file_size ?? '1M',
        multiline: request.multiline ?? false,
        type: request.type ?? undefined,
        recursive: request.recursive ?? true,
        signal,
      });
      return {
        path: request.path,
        pattern: request.pattern,
        matches: [...result.matches],
        match_count: result.matchCount,
        files_searched: result.filesSearched,
        files_matched: result.filesMatched,
        truncated: result.truncated,
      };
    },

    async glob(request, { signal }) {
      const { globFiles } = await import('./glob.ts');
      const { files, total } = await globFiles(request.path, request.pattern, {
        exclude: request.exclude ?? [],
        includeHidden: request.include_hidden ?? false,
        filesOnly: request.files_only ?? true,
        includeMetadata: request.include_metadata ?? true,
        maxResults: request.max_results ?? 5_000,
        sortBy: request.sort_by ?? 'path',
        descending: request.sort_desc ?? false,
        signal,
      });
      const { path, pattern } = request;
      return { path, pattern, files, total_count: total, truncated: total > files.length };
    },

    async edit(request) {
      const loaded = await import('./editor/index.ts');
      editor ??= new loaded.Editor(locks);
      return editor.run(request);
    },

    async upload(form) {
      const { takeUpload } = await import('./upload.ts');
      const { path, sizeBytes } = await takeUpload(form, uploadFolder);
      return { file_path: path, file_size: sizeBytes, success: true };
    },

    async download({ path, change_policy }, { headers }) {
      const { download } = await import('./download.ts');
      return download({ path, abortOnChange: change_policy === 'abort', headers });
    },
  };
}
