// Command devargocd runs a real Argo CD against a cluster, for development and
// tests, in a binary that needs no root and no container engine.
//
//	devargocd --kubeconfig /tmp/dev/kubeconfig --namespace argocd --dir /tmp/argocd &
//
// # What is real
//
// Argo CD's own application controller, applicationset controller and repo server,
// each a process of its own, at the version that go.mod names. In Redis' place is
// miniredis, which Argo CD's own tests use. Left out are the API server with the
// user interface, dex, notifications and custom plugins.
//
// The cluster has to have Argo CD's definitions and the namespace; ConfigMap
// argocd-cm and Secret argocd-secret are made if they are not there. The repo server
// runs git, helm and kustomize of the PATH.
//
// # Settings
//
// What a flag of Argo CD's programs says, a variable of this one's environment does,
// as in its own Deployments: ARGOCD_RECONCILIATION_TIMEOUT=10s,
// ARGOCD_APPLICATION_CONTROLLER_PERSIST_RESOURCE_HEALTH=true.
//
// # Files
//
// Everything is under --dir: ready, which is there, with the version of Argo CD, while
// it can work; logs/, a file for each part, anew at each start; what the repo server
// keeps of repositories.
//
// Stop it with SIGINT or SIGTERM: the parts end with it, and so they do if it is killed.
// If a part ends by itself, so do all, and the error says which.
package main
