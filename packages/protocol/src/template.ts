/** Named kinds of sandboxes, as the setting `templates` holds them. */
import * as z from 'zod/mini';
import { templateName } from './fields.ts';

const limit = (to: number) => z.number().check(z.gte(0), z.lte(to));

const template = z.strictObject({
  warmSandboxes: z.optional(z.int().check(z.gte(0), z.lte(1_000))),
  memoryLimitMib: z.optional(z.int().check(z.gte(0), z.lte(16_777_216))),
  cpuLimit: z.optional(limit(4_096)),
  processLimit: z.optional(z.int().check(z.gte(0), z.lte(4_194_304))),
  network: z.optional(z.enum(['auto', 'outbound', 'none', 'host'])),
  skillsPath: z.optional(z.string().check(z.regex(/^[^\0]+$/))),
  env: z.optional(
    z.record(z.string().check(z.regex(/^[A-Za-z_]\w*$/)), z.string().check(z.regex(/^[^\0]*$/))),
  ),
});

/** A kind of sandbox: what it leaves out is as the setting of the same name says for all. */
export type Template = z.output<typeof template>;

export const templatesSchema = z.record(templateName(), template);

/** The fields of a template, for who mistyped one. */
export const templateFields = Object.keys(template.shape);
