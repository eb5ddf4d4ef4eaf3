/** What is where, as the manifests name it. */

/** The Deployment of the pool, the label `app` of its pods and of those claimed from it, and the Service of the gateway. */
export const sandboxApp = 'deer-flow-sandbox';
/** The Deployment of the gateways, the label `app` of their pods, and their ServiceAccount. */
export const gatewayApp = 'deer-flow-gateway';
export const provisionerService = 'deer-flow-provisioner';
export const ports = { [sandboxApp]: 8080, [provisionerService]: 8002 } as const;
/** The port of gateway and sandbox servers in their pods. */
export const serverPort = 8080;

export const definition = { name: 'sandboxes.paddock.dev', version: 'v1alpha1' } as const;
/** On a claimed pod. */
export const sandboxLabel = 'paddock.dev/sandbox';
/** On the pods of a pool beside the one that all share. */
export const templateLabel = 'paddock.dev/template';
/** Of namespaces whose pods may call the gateway. */
export const clientLabel = 'paddock.dev/client';
export const leaseName = 'paddock-gateway';
export const keySecret = 'deer-flow-api-key';
export const skillsFolder = '/mnt/skills';
