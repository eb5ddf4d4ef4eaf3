export { checkCluster } from './check-cluster.ts';
