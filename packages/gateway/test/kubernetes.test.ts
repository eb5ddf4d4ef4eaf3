import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findAccess } from '../src/engines/kubernetes/api/access.ts';
import { claimPatch, controlledBy } from '../src/engines/kubernetes/manifests.ts';
import { podSchema, sandboxSchema } from '../src/engines/kubernetes/objects.ts';
import { podMounts } from '../src/engines/kubernetes/pod-mounts.ts';
import {
  belongsTo,
  delayOf,
  endOf,
  isFree,
  lastEnd,
  runOf,
  troubleOf,
} from '../src/engines/kubernetes/pods.ts';
import { wayOut } from '../src/engines/kubernetes/ways-out.ts';

const controller = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'pool-1', uid: 'rs', controller: true };
const own = { apiVersion: 'paddock.dev/v1alpha1', kind: 'Sandbox', name: 'abc', uid: 'sbx' };

/** A pod of the pool that is ready, but for what is given. */
function pod(metadata: object = {}, status: object = {}) {
  return podSchema.parse({
    metadata: {
      name: 'pool-1-x',
      uid: 'pod',
      resourceVersion: '7',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'pool', 'pod-template-hash': '1' },
      ownerReferences: [controller],
      ...metadata,
    },
    spec: { containers: [{ name: 'sandbox' }] },
    status: { phase: 'Running', podIP: '10.0.0.9', startTime: '2026-01-01T00:00:10Z', ...status },
  });
}

const sandbox = (spec: object = {}) =>
  sandboxSchema.parse({
    metadata: {
      name: 'abc',
      uid: 'sbx',
      resourceVersion: '3',
      creationTimestamp: '2026-01-01T01:00:00Z',
    },
    spec: { id: 'conversation', podName: 'pool-1-x', ...spec },
  });

const container = (status: object) => ({
  containerStatuses: [{ name: 'sandbox', containerID: 'c1', restartCount: 0, ...status }],
});

describe('a pod', () => {
  it.each([
    ['waits in the pool', {}, true],
    ['is claimed', { labels: { 'pod-template-hash': '1', 'paddock.dev/sandbox': 'abc' } }, false],
    ['is being deleted', { deletionTimestamp: '2026-01-01T00:01:00Z' }, false],
    ['has no controller', { ownerReferences: [] }, false],
    ['is of an older ReplicaSet', { ownerReferences: [{ ...controller, uid: 'older' }] }, false],
    ['was taken out of the pool by hand', { labels: { app: 'pool' } }, false],
  ])('that %s is free: %j', (_, metadata, free) => {
    expect(isFree(pod(metadata), 'rs')).toBe(free);
  });

  it("is a Sandbox's by its label and by the UID among its owners, not by one of them alone", () => {
    const labels = { 'paddock.dev/sandbox': 'abc' };
    expect(belongsTo(pod({ labels, ownerReferences: [own] }), sandbox())).toBe(true);
    expect(belongsTo(pod({ labels }), sandbox())).toBe(false);
    expect(belongsTo(pod({ labels, ownerReferences: [{ ...own, uid: 'before' }] }), sandbox())).toBe(false);
    expect(belongsTo(pod({ ownerReferences: [own] }), sandbox())).toBe(false);
  });

  it.each([
    ['serves', {}, {}, undefined],
    ['was evicted', {}, { phase: 'Failed', reason: 'Evicted', message: 'disk' }, 'Evicted: disk'],
    ['reached its deadline', {}, { phase: 'Failed', reason: 'DeadlineExceeded' }, 'DeadlineExceeded'],
    ['is being deleted', { deletionTimestamp: 'now' }, {}, 'its pod was deleted'],
    [
      'is on a node that is drained',
      { deletionTimestamp: 'now' },
      { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
      'its pod was ended: EvictionByEvictionAPI',
    ],
  ])('that %s has its end told', (_, metadata, status, end) => {
    expect(endOf(pod(metadata, status))).toBe(end);
  });

  it('is in a run of its container while that runs', () => {
    expect(runOf(pod({}, container({ state: { running: {} } })))).toBe('c1');
    expect(runOf(pod({}, container({ state: { waiting: { reason: 'CrashLoopBackOff' } } })))).toBeUndefined();
  });

  it('tells why its container ended last', () => {
    const killed = container({ state: { running: {} }, lastState: { terminated: { reason: 'OOMKilled' } } });
    expect(lastEnd(pod({}, killed))).toBe('OOMKilled');
    const failed = container({ state: { terminated: { reason: 'Error', exitCode: 3 } } });
    expect(lastEnd(pod({}, failed))).toBe('exit code 3');
  });

  it('tells what it waits for', () => {
    const pulling = container({
      state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } },
    });
    expect(delayOf(pod({}, pulling))).toBe('ImagePullBackOff: no such image');
    const unmet = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node' }];
    expect(delayOf(pod({}, { phase: 'Pending', conditions: unmet }))).toBe('Unschedulable: no node');
  });

  const waiting = (reason: string, message?: string) => ({ state: { waiting: { reason, message } } });
  const failed = { terminated: { reason: 'Error', exitCode: 3 } };

  it.each([
    ['is ready', { conditions: [{ type: 'Ready', status: 'True' }] }, undefined],
    ['is about to start', container(waiting('ContainerCreating')), undefined],
    ['runs and is not ready yet', container({ state: { running: {} } }), undefined],
    ['has no image', container(waiting('ErrImagePull', 'no such image')), 'ErrImagePull: no such image'],
    [
      'starts again and again',
      container({ ...waiting('CrashLoopBackOff'), lastState: failed }),
      'CrashLoopBackOff (its container ended: exit code 3)',
    ],
    ['is between two starts', container({ state: failed }), 'its container ended: exit code 3'],
    [
      'has one that comes first and fails',
      {
        initContainerStatuses: [{ name: 'first', restartCount: 0, state: failed }],
        ...container(waiting('PodInitializing')),
      },
      'its container ended: exit code 3',
    ],
    [
      'has one that came first and is done',
      {
        initContainerStatuses: [
          { name: 'first', restartCount: 0, state: { terminated: { reason: 'Completed', exitCode: 0 } } },
        ],
        ...container(waiting('PodInitializing')),
      },
      undefined,
    ],
  ])('that %s has told what is wrong with its start, and only that', (_, status, trouble) => {
    expect(troubleOf(pod({}, status))).toBe(trouble);
  });
});

describe('a claim', () => {
  const nowMs = Date.parse('2026-01-01T01:00:00Z');

  it('takes the pod as it was read, out of its ReplicaSet, whose reference stays', () => {
    expect(claimPatch(pod(), sandbox(), nowMs)).toMatchObject({
      metadata: {
        resourceVersion: '7',
        labels: { 'pod-template-hash': null, 'paddock.dev/sandbox': 'abc' },
        annotations: {
          'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
          // By which it is known later that there is a newer template.
          'paddock.dev/template-hash': '1',
        },
        ownerReferences: [controller, own],
      },
    });
  });

  it('limits the pod from its start to the end of the Sandbox, where that has one', () => {
    const expiresAt = '2026-01-01T02:00:00Z';
    const patch = claimPatch(pod(), sandbox({ expiresAt }), nowMs);
    expect(patch).toMatchObject({ spec: { activeDeadlineSeconds: 2 * 3600 - 10 } });
    expect(claimPatch(pod(), sandbox(), nowMs)).not.toHaveProperty('spec');
  });

  it('has the Sandbox control the pod in the end, without holding its deletion back', () => {
    expect(controlledBy(sandbox(), [own])).toEqual([{ ...own, controller: true, blockOwnerDeletion: false }]);
  });
});

describe('the way out of a trouble', () => {
  it.each([
    ['pod a: ImagePullBackOff: Back-off pulling image "x"', 'get the image'],
    ['pod a: Failed: Failed to apply default image tag: InvalidImageName', 'get the image'],
    ['pod a: FailedMount: hostPath type check failed: /x is not a directory', 'no such folder'],
    ['pod a: FailedMount: configmap "paddock-keys" not found', 'logs of the gateways'],
    ['no pod can be made: FailedCreate: pods "a" is forbidden: exceeded quota: few', 'quota is full'],
    ['no pod can be made: FailedCreate: pods "a" is forbidden: violates PodSecurity "x"', 'pod security'],
    ['pod a: Unschedulable: pod has unbound immediate PersistentVolumeClaims', 'has no volume'],
    ['pod a: Unschedulable: 0/1 nodes are available', 'No node takes the pod'],
    ['pod a: CrashLoopBackOff (its container ended: exit code 1)', 'kubectl logs --previous'],
    ['the Deployment a is scaled to 0', 'kubectl scale'],
    ['there is no Deployment a', 'setup.sh'],
    ['there is no Deployment with the label paddock.dev/template=a to make it from', 'docs/configuration.md'],
    ['pods of the Deployment a are not labelled app=b', 'that label'],
    ['pod a: FailedCreatePodSandBox: something', 'kubectl describe pod'],
  ])('is told for %s', (trouble, way) => {
    expect(wayOut(trouble)).toContain(way);
  });
});

describe('the mounts of a pod', () => {
  const mount = (hostPath: string, containerPath = '/mnt/acp-workspace') => ({
    hostPath,
    containerPath,
    readOnly: true,
  });

  it('are paths within the roots, which are the volumes', () => {
    const { volumes, volumeMounts, leftOut } = podMounts(
      [mount('/srv/a/b'), mount('/srv', '/mnt/integrations')],
      ['/data', '/srv'],
    );
    expect(volumes).toEqual([{ name: 'mount-root-1', hostPath: { path: '/srv', type: 'Directory' } }]);
    expect(volumeMounts).toEqual([
      { name: 'mount-root-1', mountPath: '/mnt/acp-workspace', subPath: 'a/b', readOnly: true },
      { name: 'mount-root-1', mountPath: '/mnt/integrations', readOnly: true },
    ]);
    expect(leftOut).toEqual([]);
  });

  it.each([
    ['lie beside the root', mount('/srv-other')],
    ['climb out of it', mount('/srv/../etc')],
    ['are relative', mount('srv')],
    ['hide what the sandbox is made of', mount('/srv/a', '/mnt/user-data')],
    ['lie among the skills', mount('/srv/a', '/mnt/skills/custom')],
  ])('are left out when they %s', (_, asked) => {
    const { volumes, leftOut } = podMounts([asked], ['/srv']);
    expect(volumes).toEqual([]);
    expect(leftOut).toEqual([expect.stringContaining(`${asked.containerPath} is left out: `)]);
  });
});

describe('the way to the API server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'access-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const kubeconfig = (user: object, context = 'here') => {
    const path = join(folder, 'kubeconfig');
    const config = {
      'current-context': context,
      contexts: [{ name: 'here', context: { cluster: 'one', user: 'me' } }],
      clusters: [{ name: 'one', cluster: { server: 'https://api.example.com:6443/k8s/' } }],
      users: [{ name: 'me', user }],
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  };

  it('is that of the current context of a kubeconfig', () => {
    const access = findAccess(kubeconfig({ token: 'secret' }));
    expect(access).toMatchObject({ host: 'api.example.com', port: 6443, prefix: '/k8s' });
    expect(access.token()).toBe('secret');
  });

  it.each([
    ['is not there', () => join(folder, 'nothing'), 'ENOENT'],
    ['has no such context', () => kubeconfig({}, 'there'), 'names a cluster or a user that it has not'],
    ['signs in by a program', () => kubeconfig({ exec: { command: 'aws' } }), 'is not supported'],
  ])('is refused in words when its kubeconfig %s', (_, path, reason) => {
    expect(() => findAccess(path())).toThrow(reason);
  });

  it('is refused in words where there is neither a pod nor a kubeconfig', () => {
    expect(() => findAccess(undefined)).toThrow('this is no pod of a cluster');
  });
});
