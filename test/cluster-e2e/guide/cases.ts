/** What is done with each section of the guide, and with what stands in it for something of the reader's own. */

/** By section with bash blocks: the test file that runs all of its commands, or why none does. */
export const cases: Readonly<Record<string, Part | NotRun>> = {
  Prerequisites: {
    notRun: "installs kubectl by a package manager, and asks for the version of the reader's Docker",
  },
  'Quick Start / 1. Enable Kubernetes': { notRun: 'starts a cluster of another kind' },
  'Quick Start / 2. Run Setup Script': 'quick-start',
  'Quick Start / 3. Configure Backend': 'quick-start',
  'Quick Start / 4. Verify Deployment': 'quick-start',
  'Advanced Configuration / Custom Skills Path': 'options',
  'Advanced Configuration / Custom Sandbox Image': 'options',
  'Advanced Configuration / Skip Image Pull': 'options',
  'Advanced Configuration / Combined Options': 'options',
  'Manual Deployment / 1. Create Namespace': 'manual',
  'Manual Deployment / 2. Create Service': 'manual',
  'Manual Deployment / 3. Deploy Sandbox': 'manual',
  'Manual Deployment / 4. Verify Deployment': 'manual',
  'Configuration Options / Scaling': 'quick-start',
  'Troubleshooting / Pod Not Starting': 'quick-start',
  'Troubleshooting / Service Not Accessible': 'quick-start',
  'Troubleshooting / Check Logs': 'quick-start',
  'Troubleshooting / Health Check Failures': 'quick-start',
  'Cleanup / Remove All Resources': 'manual',
  'Cleanup / Remove Specific Resources': 'quick-start',
  'Setup Script Reference / Command-Line Options': { notRun: 'a synopsis, whose options test/k8s holds' },
};

/** The test files, without `.cluster.ts`. */
export type Part = 'quick-start' | 'options' | 'manual';

interface NotRun {
  readonly notRun: string;
}

/** What a reader puts something else for. All the rest is run as it is written; images come under the names of the guide. */
export const placeholders = [
  '/custom/path/to/skills',
  '/custom/skills',
  '/Users/feng/Projects/deer-flow/skills',
  '/srv/skills',
  '<pod-name>',
  // The namespace of a backend.
  'NAME',
  // The port of this machine may be taken.
  '8080:8080',
] as const;

export type Placeholder = (typeof placeholders)[number];
