/** What may be done about what a cluster says, the first that fits. */
const ways: readonly (readonly [RegExp, string])[] = [
  [
    /ErrImage|ImagePull|InvalidImageName|ImageInspect/,
    'The nodes cannot get the image: correct its name in the Deployment, or bring it where they pull from. docker/k8s/setup.sh does either.',
  ],
  [
    /hostPath type check failed/,
    'The node has no such folder. docker/k8s/setup.sh copies the skills to a claim where nodes do not share them.',
  ],
  [
    /configmap "paddock-keys" not found/,
    'A gateway writes paddock-keys when it starts: look at the logs of the gateways.',
  ],
  [
    /exceeded quota/,
    "The namespace's quota is full: release sandboxes, lower the replicas of the pool, or raise the quota (kubectl describe quota).",
  ],
  [
    /violates PodSecurity/,
    'The namespace enforces a level of pod security that refuses these pods: take the skills from a claim, or lower the level.',
  ],
  [
    /[Pp]ersistentVolumeClaim/,
    'The claim that the pods mount has no volume: look at it with kubectl describe pvc.',
  ],
  [
    /Unschedulable|FailedScheduling/,
    'No node takes the pod: add one, release sandboxes, or lower the requests in the Deployment.',
  ],
  [
    /CrashLoopBackOff|BackOff|container ended|RunContainerError|StartError/,
    'kubectl logs --previous says why. An image of your own must be FROM paddock/sandbox and keep its start.',
  ],
  [
    /probe failed/,
    'GET /v1/sandbox is not answered. An image of your own must be FROM paddock/sandbox and keep its start.',
  ],
  [
    /scaled to 0/,
    'Give it replicas: kubectl scale deployment. Or set poolPolicy to cold, which makes a pod for each sandbox.',
  ],
  [
    /no Deployment with the label/,
    "Correct the template's name, or make the Deployment of its pool: docs/configuration.md tells how.",
  ],
  [/are not labelled app=/, 'Give the pods of the Deployment that label, beside their own.'],
  [/no Deployment/, 'docker/k8s/setup.sh makes it.'],
];

/** What to do about a trouble, in a sentence. */
export function wayOut(trouble: string): string {
  const way = ways.find(([sign]) => sign.test(trouble))?.[1];
  return way ?? 'kubectl describe pod tells all of it, and paddock doctor checks what sandboxes need.';
}
