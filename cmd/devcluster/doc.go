// Command devcluster runs a real Kubernetes control plane on this machine, for
// development and tests: etcd, kube-apiserver and kube-controller-manager, all
// in this one binary, and a simulated node on which Pods become ready without
// any container being run. It needs no root, no container engine and no network.
//
//	devcluster up --dir /tmp/dev &
//	kubectl --kubeconfig /tmp/dev/kubeconfig create deployment web --image=web:1 --replicas=2
//	kubectl --kubeconfig /tmp/dev/kubeconfig get pods
//	devcluster dump --dir /tmp/dev | grep -a password
//	kill %1
//
// # What is real
//
// RBAC decides, ServiceAccount tokens are issued and verified, admission,
// server-side apply, custom resources, webhooks, garbage collection, and the
// controllers of Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs,
// CronJobs, Namespaces, EndpointSlices, PodDisruptionBudgets and aggregated
// ClusterRoles are Kubernetes' own. The kubeconfig holds a bearer token of a
// cluster administrator and pins the server's certificate authority. Without
// credentials only the health endpoints answer.
//
// # What is simulated
//
// Package node binds every Pod to the one node and reports it running and
// ready. A Pod that is meant to finish (restartPolicy Never or OnFailure, as
// Jobs have it) finishes at once with exit code 0. Annotations on the Pod
// change that:
//
//	devcluster.tidelock.io/delay: 2s        run this long before finishing
//	devcluster.tidelock.io/exit-code: "1"   finish with this code
//	devcluster.tidelock.io/ready: "false"   run, but never be ready
//
// An image whose tag is does-not-exist cannot be pulled (ImagePullBackOff). A
// deleted Pod is gone at once. There are no logs, no exec, no cluster network,
// no volumes (a PersistentVolumeClaim stays Pending), no load balancers, no
// horizontal autoscaling and no resource quotas.
//
// # Files
//
// Everything is under --dir, and its owner alone can read it:
//
//	kubeconfig     cluster administrator; appears, whole, once the cluster is ready
//	credentials/   made at the first start and kept
//	config/        what the parts are told at each start
//	etcd/          the data; etcd listens on a unix socket beside it
//	logs/          one file per part
//	lock           held while the cluster runs
//
// Stop it with SIGINT or SIGTERM and start it again on the same directory: the
// cluster is as it was. Writes are not flushed to disk, so a crash of the
// machine itself (not of the process) may lose them. Should devcluster be
// killed outright, the kernel takes its parts down with it (on Linux; on other
// Unix systems they stay).
//
// # Reading the code
//
// up.go says in which order the parts come up; component.go what each is told;
// process.go how they are kept; node/ is the simulated node.
package main
