import { type Template, templateFields, templatesSchema } from '@paddock/protocol/config';
import type { ConfigProblem } from './error.ts';
import { nearest } from './nearest.ts';

interface Issue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

/** The templates with their paths made absolute. */
export function withAbsolutePaths(
  checked: unknown,
  absolute: (path: string) => string,
): Readonly<Record<string, Template>> {
  const entries = Object.entries(templatesSchema.parse(checked)).map(([name, template]) => {
    const { skillsPath } = template;
    return [name, skillsPath === undefined ? template : { ...template, skillsPath: absolute(skillsPath) }];
  });
  return Object.fromEntries(entries);
}

/** What is wrong with the templates, told for the first field that is. */
export function templateProblem(issues: readonly Issue[], where: string): ConfigProblem {
  const [issue] = issues;
  const place = [where, ...(issue?.path ?? []).map(String)].join(' → ');
  const [unknown] = issue?.keys ?? [];
  if (unknown === undefined) {
    return {
      message: `${place} cannot be used: ${issue?.message ?? 'it is no map'}`,
      hint: 'Correct the template.',
    };
  }
  const meant = nearest(unknown, templateFields);
  return {
    message: `${place} has a setting "${unknown}" that templates do not have`,
    hint: meant ? `Did you mean ${meant}?` : `A template may have ${templateFields.join(', ')}.`,
  };
}
