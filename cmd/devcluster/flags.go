package main

import (
	_ "embed"
	"strings"

	"k8s.io/kubernetes/cmd/kube-controller-manager/names"
)

// Addresses in the simulated network. Pods have theirs from package node.
const (
	serviceIPs   = "172.20.0.0/16"
	serviceIPv6s = "fd00:dead:beef::/112" // of those that only ask: a real cluster may have both
	apiServiceIP = "172.20.0.1"           // of the Service kubernetes: the first of serviceIPs
)

// Configuration files, written into the config directory at each start.
const (
	authenticationFile       = configDir + "/authentication.yaml"
	auditPolicyFile          = configDir + "/audit-policy.yaml"
	controllerKubeconfigFile = configDir + "/controller-manager.kubeconfig"
)

//go:embed config/authentication.yaml
var authentication []byte

//go:embed config/audit-policy.yaml
var auditPolicy []byte

// etcdFlags: a single member, on unix sockets only, that never waits for the
// disk. What happens in the last few minutes before a crash of the machine is of
// no value here.
func etcdFlags() []string {
	client, peer := "unix://"+etcdSocket, "unix://"+etcdPeerSocket
	return []string{
		"--data-dir=" + etcdData,
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

// apiServerFlags: everything as in a real cluster but for what would keep an
// idle one busy. audit is the file for audit events, if any, with its policy.
func apiServerFlags(o upOptions, audit, policy string) []string {
	flags := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // 127.0.0.1 would be refused as an endpoint
		"--service-cluster-ip-range=" + serviceIPs,
		"--tls-cert-file=" + serverCertFile,
		"--tls-private-key-file=" + serverKeyFile,
		"--token-auth-file=" + tokensFile,
		"--authentication-config=" + authenticationFile,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + serviceAccountKeyFile,
		"--service-account-signing-key-file=" + serviceAccountKeyFile,
		"--disable-admission-plugins=TaintNodesByCondition", // no node controller would remove the taint
		"--allow-privileged",
		"--enable-priority-and-fairness=false",
		// One server needs no identity, which is a lease renewed every 10 s, nor
		// what builds on it.
		"--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false",
		"--etcd-count-metric-poll-period=0",
		"--event-ttl=15m",
		"--profiling=false",
	}
	if o.apiOnly {
		flags = append(flags, "--service-cluster-ip-range="+serviceIPs+","+serviceIPv6s)
	}
	if o.emulate != "" {
		flags = append(flags, "--emulated-version=kube="+o.emulate)
	}
	if audit != "" {
		flags = append(flags, "--audit-log-path="+audit, "--audit-policy-file="+policy, "--audit-log-maxsize=10240")
	}
	return flags
}

// controllers are those that act on what people apply and need no more than the
// API to do so: none for clouds, networks, certificates or volumes.
var controllers = []string{
	names.ServiceAccountTokenController,
	names.ServiceAccountController,
	names.RootCACertificatePublisherController,
	names.NamespaceController,
	names.GarbageCollectorController,
	names.DeploymentController,
	names.ReplicaSetController,
	names.ReplicationControllerController,
	names.StatefulSetController,
	names.DaemonSetController,
	names.JobController,
	names.CronJobController,
	names.TTLAfterFinishedController,
	names.EndpointsController,
	names.EndpointSliceController,
	names.DisruptionController,
	names.ClusterRoleAggregationController,
}

func controllerManagerFlags() []string {
	return []string{
		"--kubeconfig=" + controllerKubeconfigFile,
		"--controllers=" + strings.Join(controllers, ","),
		"--service-account-private-key-file=" + serviceAccountKeyFile,
		"--root-ca-file=" + caCertFile,
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	}
}
