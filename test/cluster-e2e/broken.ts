import type { Difference } from './cli.ts';

/** An installation in which one thing is broken, and what `paddock doctor` says of it. */
interface Broken extends Difference {
  readonly what: string;
  readonly namespace: string;
  /** By check: its verdict and what it says. */
  readonly says: Readonly<Record<string, readonly [string, RegExp]>>;
}

export const broken: readonly Broken[] = [
  {
    what: 'an image that does not exist',
    namespace: 'no-image',
    sandbox: (yaml) => yaml.replace('paddock/sandbox:0.1.0', 'paddock/sandbox:missing'),
    says: {
      image: ['fail', /Failed to pull image "paddock\/sandbox:missing".* not found/],
      pool: ['fail', /^0 of 1 ready: pod deer-flow-sandbox-.*missing/],
      probe: ['fail', /answers 503: /],
      sandbox: ['skip', /pool/],
      isolation: ['skip', /no sandbox/],
    },
  },
  {
    what: 'a quota that is full',
    namespace: 'full',
    quotaPods: 1,
    says: { quota: ['fail', /exceeded quota: few/], pool: ['fail', /exceeded quota: few/] },
  },
  {
    what: 'a folder of skills that nodes do not have',
    namespace: 'no-skills',
    skills: '/nowhere',
    says: { skills: ['fail', /\/nowhere is not a directory/], pool: ['fail', /FailedMount/] },
  },
  {
    what: 'a level of pod security that refuses the folder of skills',
    namespace: 'strict',
    labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    says: {
      'pod security': ['fail', /restricted is enforced.*hostPath/],
      pool: ['fail', /violates PodSecurity/],
    },
  },
  {
    what: 'an image whose program ends',
    namespace: 'ending',
    sandbox: (yaml) => yaml.replace('imagePullPolicy: IfNotPresent', 'command: [/bin/false]'),
    says: { image: ['ok', /paddock\/sandbox/], pool: ['fail', /exit code 1/] },
  },
  {
    what: 'an image that does not answer the probe',
    namespace: 'mute',
    sandbox: (yaml) => yaml.replace('imagePullPolicy: IfNotPresent', "command: [/bin/sleep, '3600']"),
    says: { pool: ['fail', /Startup probe failed/] },
  },
  {
    what: 'no node that fits',
    namespace: 'homeless',
    sandbox: (yaml) => yaml.replace('enableServiceLinks: false', 'nodeSelector: { no: such }'),
    says: { pool: ['fail', /Unschedulable: 0\/1 nodes are available/] },
  },
  {
    what: 'gateways without rights',
    namespace: 'powerless',
    gateway: (yaml) => yaml.replace('verbs: [get, list, watch, create, patch, delete]', 'verbs: [get]'),
    says: {
      'gateway permissions': ['fail', /lacks list, watch, create, patch, delete pods$/],
      gateways: ['fail', /^0 of 1 ready/],
    },
  },
  {
    what: 'a Service that leads past the gateway',
    namespace: 'headless',
    gateway: (yaml) => yaml.replace('type: ClusterIP', 'clusterIP: None'),
    says: { services: ['fail', /deer-flow-sandbox is headless/] },
  },
  {
    what: 'a Service that is open to the outside',
    namespace: 'exposed',
    gateway: (yaml) => yaml.replace('type: ClusterIP', 'type: NodePort'),
    says: { services: ['warn', /deer-flow-sandbox can be reached from outside/] },
  },
  {
    what: 'policies that allow what they should not',
    namespace: 'open',
    gateway: (yaml) =>
      yaml.replace(/^(\s+)except:\n(\1 .*\n)+/gm, '').replace(/operator: NotIn\n.*\n/, 'operator: Exists\n'),
    says: {
      sandbox: ['ok', /ran a command/],
      isolation: ['fail', /reaches API server [\d.:]+ and gateway [\d.]+, which the policies forbid/],
    },
  },
  {
    what: 'a policy that leaves DNS out',
    namespace: 'nameless',
    gateway: (yaml) => yaml.replaceAll('port: 53', 'port: 54'),
    says: {
      dns: ['fail', /does not find deer-flow-sandbox\.nameless\.svc/],
      isolation: ['warn', /not even DNS/],
    },
  },
  {
    what: 'a pool without sandboxes',
    namespace: 'empty',
    sandbox: (yaml) => yaml.replace('replicas: 1', 'replicas: 0'),
    says: { pool: ['warn', /^0 of 0 ready/], sandbox: ['ok', /ran a command/] },
  },
  {
    what: 'a gateway that asks for a key',
    namespace: 'keyed',
    gateway: (yaml) =>
      yaml
        .replace('value: "true"', 'value: "false"')
        .replace(/valueFrom:\n\s+secretKeyRef:\n(.*\n){3}/, 'value: secret\n'),
    says: {
      probe: ['warn', /asks for a key/],
      sandbox: ['skip', /key/],
      // It looks from a sandbox that waits, by kubectl exec.
      dns: ['ok', /finds deer-flow-sandbox\.keyed\.svc/],
      isolation: ['ok', /^enforced/],
    },
  },
];
